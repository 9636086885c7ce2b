// The machine answers hypercalls, whichever of the two instructions asks.
// skip: kvm the kernel answers hypercalls itself
// expect: rax=0x2042
#include "long.inc"
  mov eax, 0x42
  vmcall
  vmmcall
  pass
