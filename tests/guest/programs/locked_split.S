// Locked instructions on operands across a cache line and across a page still work.
#include "long.inc"
  mov qword ptr ds:[DATA + 0x3c], 5
  lock add qword ptr ds:[DATA + 0x3c], 3
  CHECK_EQ([DATA + 0x3c], 8)
  mov rax, -1
  xchg rax, ds:[DATA + 0x3c]
  CHECK_EQ(rax, 8)
  mov eax, 1
  lock xadd ds:[DATA + 0xffe], eax
  CHECK_EQ(rax, 0)
  mov ecx, 7
  mov eax, 1
  lock cmpxchg ds:[DATA + 0xffe], ecx
  CHECK_FLAGS(ZF, ZF)
  mov eax, ds:[DATA + 0xffe]
  CHECK_EQ(rax, 7)
  pass
