// AVX and AVX2 need XCR0; then 256-bit integers, fused multiply-add, gathers and upper halves are right.
// needs: xsave avx avx2 fma
#include "long.inc"
  install_traps
  EXPECT_TRAP(UD, 0, vpxor ymm0, ymm0, ymm0)
  xor ecx, ecx
  EXPECT_TRAP(UD, 0, xgetbv)            // without CR4.OSXSAVE
  mov rax, cr4
  bts rax, 18
  mov cr4, rax
  xgetbv
  CHECK_EQ(rax, 1)
  EXPECT_TRAP(UD, 0, vpxor ymm0, ymm0, ymm0)
  mov eax, 7
  xor edx, edx
  xsetbv
  vmovdqu ymm0, [rip + first]
  vpaddq ymm1, ymm0, [rip + first]
  vmovdqu ds:[DATA], ymm1
  CHECK_EQ([DATA], 2)
  CHECK_EQ([DATA + 24], 8)
  vmovaps xmm1, xmm0                    // clears the upper half
  vmovdqu ds:[DATA], ymm1
  CHECK_EQ([DATA + 8], 2)
  CHECK_EQ([DATA + 16], 0)
  movaps xmm0, xmm1                     // keeps the upper half
  vmovdqu ds:[DATA], ymm0
  CHECK_EQ([DATA + 24], 4)
  mov eax, 0x40000000                   // 2.0
  vmovd xmm3, eax
  vbroadcastss ymm3, xmm3
  vfmadd213ps ymm3, ymm3, ymm3          // 2 * 2 + 2
  vextractf128 xmm4, ymm3, 1
  vmovd eax, xmm4
  CHECK_EQ(rax, 0x40c00000)
  vpcmpeqd ymm6, ymm6, ymm6
  vmovdqu ymm5, [rip + indices]
  mov rbx, offset first
  vpgatherdq ymm7, [rbx + xmm5 * 8], ymm6
  vmovdqu ds:[DATA], ymm7
  CHECK_EQ([DATA], 4)
  CHECK_EQ([DATA + 24], 1)
  vpermq ymm8, ymm0, 0x1b
  vmovq rax, xmm8
  CHECK_EQ(rax, 4)
  vzeroupper
  vmovdqu ds:[DATA], ymm7
  CHECK_EQ([DATA + 16], 0)
  EXPECT_TRAP(GP, 0, vmovaps ymm0, ds:[DATA + 16])
  vmovdqu ymm0, [rip + first]
  vmovdqu ds:[0x210ff0], ymm0           // across a page
  CHECK_EQ([0x211000], 3)
  pass
  define_traps
.align 16
first: .quad 1, 2, 3, 4
indices: .long 3, 2, 1, 0, 0, 0, 0, 0
