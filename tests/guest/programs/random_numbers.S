// rdrand delivers values in all widths with CF set, and clear the other flags.
// needs: rdrand
#include "long.inc"
  mov ecx, 100
again:
  rdrand rax
  jc 1f
  dec ecx
  jnz again
  FAIL
1:
  CHECK_FLAGS(OVERFLOW | SF | ZF | AF | PARITY, 0)
  mov rbx, -1
2:
  rdrand ebx
  jnc 2b
  shr rbx, 32
  CHECK_EQ(rbx, 0)
  mov rbx, -1
3:
  rdrand bx
  jnc 3b
  shr rbx, 16
  CHECK_EQ(rbx, 0xffffffffffff)
  pass
