// Vector and x87 registers keep their values while all of RAM is touched for the first time, page after page.
// skip: kvm-software its instruction emulator knows few vector instructions
#include "long.inc"
.macro set_register number
  mov eax, \number + 1
  movq xmm\number, rax
  punpcklqdq xmm\number, xmm\number
.endm
.macro check_register number
  movq rax, xmm\number
  CHECK_EQ(rax, \number + 1)
  psrldq xmm\number, 8
  movq rax, xmm\number
  CHECK_EQ(rax, \number + 1)
.endm
  .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  set_register \number
  .endr
  fldpi
  fld1
  mov ebx, DATA
touch:
  mov [rbx], rbx
  add ebx, 0x1000
  cmp ebx, RAM_END
  jb touch
  .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  check_register \number
  .endr
  fldpi
  fcomip st, st(2)                      // pi, 1, pi
  jne failed
  jp failed
  fld1
  fcomip st, st(1)
  jne failed
  jp failed
  pass
failed:
  fail __LINE__
