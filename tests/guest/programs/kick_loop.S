// A loop of one instruction ends when the machine kicks the processor, at the loop's own address.
// expect: rbx=0x7
#include "long.inc"
  mov ebx, 7
  mov eax, 20
  out PORT_KICK, eax
  jmp .                                 // the harness puts us behind it
  mov eax, 20
  out PORT_KICK, eax
  jmp .
  pass
