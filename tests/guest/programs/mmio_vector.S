// Vector registers load from and store to memory-mapped devices.
// needs: xsave avx
#include "long.inc"
  mov rax, cr4
  bts rax, 18
  mov cr4, rax
  xor ecx, ecx
  xor edx, edx
  mov eax, 7
  xsetbv
  mov ebx, ECHO
  movdqu xmm0, [rip + pattern]
  movdqu [rbx + 0x10], xmm0
  CHECK_EQ([rbx + 0x18], 0x2222222222222222)
  movups xmm1, [rbx + 0x10]
  paddq xmm1, [rbx + 0x10]
  movdqu ds:[DATA], xmm1
  CHECK_EQ([DATA + 8], 0x4444444444444444)
  vmovdqu ymm2, [rip + pattern]
  vmovdqu [rbx + 0x40], ymm2
  vmovdqu ymm3, [rbx + 0x40]
  vmovdqu ds:[DATA], ymm3
  CHECK_EQ([DATA + 24], 0x4444444444444444)
  CHECK_EQ([DATA], 0x1111111111111111)
  movq xmm4, qword ptr [rbx + 0x48]
  movq rax, xmm4
  CHECK_EQ(rax, 0x2222222222222222)
  fld1
  fstp qword ptr [rbx + 0x80]
  CHECK_EQ([rbx + 0x80], 0x3ff0000000000000)
  pass
.align 16
pattern: .quad 0x1111111111111111, 0x2222222222222222, 0x3333333333333333, 0x4444444444444444
