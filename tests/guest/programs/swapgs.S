// swapgs exchanges GS base and KERNEL_GS_BASE; loading GS resets its base, not the other.
#include "long.inc"
  mov ecx, 0xc0000101
  mov eax, DATA
  xor edx, edx
  wrmsr
  mov ecx, 0xc0000102
  mov eax, DATA + 0x100
  wrmsr
  mov qword ptr ds:[DATA], 1
  mov qword ptr ds:[DATA + 0x100], 2
  CHECK_EQ(gs:[0], 1)
  swapgs
  CHECK_EQ(gs:[0], 2)
  mov ecx, 0xc0000102
  rdmsr
  CHECK_EQ(rax, DATA)
  swapgs
  CHECK_EQ(gs:[0], 1)
  mov eax, KERNEL_DATA
  mov gs, eax
  mov ecx, 0xc0000101
  rdmsr
  CHECK_EQ(rax, 0)
  swapgs
  CHECK_EQ(gs:[0], 2)
  mov fs, eax
  mov ecx, 0xc0000100
  rdmsr
  CHECK_EQ(rax, 0)
  pass
