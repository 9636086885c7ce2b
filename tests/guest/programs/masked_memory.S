// Memory under opmasks: what is masked out causes no fault and no store; what is not faults where it lies.
// needs: xsave avx avx512f
#include "long.inc"
  install_traps
  mov rax, cr4
  or eax, 0x40600               // OSFXSR, OSXMMEXCPT, OSXSAVE
  mov cr4, rax
  xor ecx, ecx
  xor edx, edx
  mov eax, 0xe7
  xsetbv
  mov r12d, 40                  // so that translated code does it too
again:
  mov qword ptr ds:[WINDOW_PT], 0x300000 | P | RW
  mov qword ptr ds:[WINDOW_PT + 8], 0
  movabs rbx, WINDOW + 0x1000
  invlpg [rbx]
  movabs rsi, WINDOW + 0xfe0    // 8 doublewords, then what is not there
  mov ecx, 8
fill:
  lea eax, [rcx + 0x100]
  mov [rsi + rcx * 4 - 4], eax
  loop fill
  mov eax, 0x00ff
  kmovw k1, eax
  mov eax, 0x01ff
  kmovw k2, eax
  kxorw k3, k3, k3
  vpternlogd zmm1, zmm1, zmm1, 0xff
  vmovdqu32 zmm1 {k1}, [rsi]
  vmovdqu32 ds:[DATA], zmm1
  CHECK_EQ([DATA], 0x0000010200000101)
  CHECK_EQ([DATA + 24], 0x0000010800000107)
  CHECK_EQ([DATA + 32], -1)
  vmovdqu32 zmm1 {k1}{z}, [rsi]
  vmovdqu32 ds:[DATA], zmm1
  CHECK_EQ([DATA + 32], 0)
  EXPECT_TRAP(PF, 0, vmovdqu32 zmm2 {k2}, [rsi])
  CHECK_EQ([TRAP_CR2], WINDOW + 0x1000)
  vpaddd zmm2, zmm1, [rbx - 64]
  vpaddd zmm2 {k3}{z}, zmm1, [rbx]      // nothing of it
  vpaddd zmm2 {k3}, zmm1, [rbx]{1to16}
  EXPECT_TRAP(PF, 0, vpaddd zmm2 {k1}, zmm1, [rbx]{1to16})
  vmovdqu32 [rsi] {k1}, zmm1
  vmovdqu32 [rbx] {k3}, zmm1
  EXPECT_TRAP(PF, 2, vmovdqu32 [rsi] {k2}, zmm1)
  EXPECT_TRAP(GP, 0, vmovdqa32 zmm2 {k1}, [rsi + 4])
  movabs rdi, 0x800000000000
  vmovdqu32 zmm2 {k3}, [rdi]
  vmovdqu32 [rdi - 32] {k3}, zmm2
  EXPECT_TRAP(GP, 0, vmovdqu32 zmm2 {k2}, [rdi])
  // a page that is there, but not stored to, stays as it is, and clean
  mov qword ptr ds:[WINDOW_PT + 8], 0x301000 | P | RW
  invlpg [rbx]
  mov dword ptr ds:[0x301000], 0x77
  vmovdqu32 [rsi] {k1}, zmm1
  mov rax, ds:[WINDOW_PT + 8]
  and eax, 0x40
  CHECK_EQ(rax, 0)
  mov eax, ds:[0x301000]
  CHECK_EQ(rax, 0x77)
  vmovdqu32 [rsi] {k2}, zmm1
  mov rax, ds:[WINDOW_PT + 8]
  and eax, 0x40
  CHECK_EQ(rax, 0x40)
  mov eax, ds:[0x301000]
  CHECK_EQ(rax, 0)
  mov qword ptr ds:[WINDOW_PT + 8], 0
  invlpg [rbx]
  // compressed and expanded: as many elements as the mask has bits
  mov eax, 0xaaaa
  kmovw k4, eax
  vmovdqu32 zmm4, [rip + numbers]
  vpcompressd [rsi] {k4}, zmm4
  mov rax, [rsi + 24]
  CHECK_EQ(rax, 0x0000000f0000000d)
  EXPECT_TRAP(PF, 2, vpcompressd [rsi + 4] {k4}, zmm4)
  vpexpandd zmm5 {k4}{z}, [rsi]
  vmovdqu32 ds:[DATA], zmm5
  CHECK_EQ([DATA + 56], 0x0000000f00000000)
  EXPECT_TRAP(PF, 0, vpexpandd zmm5 {k4}, [rsi + 4])
  mov eax, 0x0f
  kmovw k5, eax
  mov qword ptr [rsi + 24], 0
  vpmovdb [rsi + 28] {k5}, zmm4
  mov rax, [rsi + 24]
  CHECK_EQ(rax, 0x0302010000000000)
  // a gather that faults keeps what it has, and goes on from there
  mov qword ptr [rsi + 24], 0x4433
  mov eax, 0xf
  kmovw k6, eax
  vpxord zmm6, zmm6, zmm6
  vmovdqu32 xmm7, [rip + indices]
  EXPECT_TRAP(PF, 0, vpgatherdd xmm6 {k6}, [rsi + xmm7 * 4])
  CHECK_EQ([TRAP_CR2], WINDOW + 0x1000)
  kmovw eax, k6
  CHECK_EQ(rax, 0xc)
  vmovd eax, xmm6
  CHECK_EQ(rax, 0x4433)
  mov qword ptr ds:[WINDOW_PT + 8], 0x301000 | P | RW
  mov dword ptr ds:[0x301000], 0x99
  vpgatherdd xmm6 {k6}, [rsi + xmm7 * 4]
  kmovw eax, k6
  CHECK_EQ(rax, 0)
  vpextrd eax, xmm6, 2
  CHECK_EQ(rax, 0x99)
  mov qword ptr ds:[WINDOW_PT + 8], 0
  invlpg [rbx]
  // and so does a scatter; the last of several for one place stays
  mov eax, 0xf
  kmovw k6, eax
  vmovdqu32 xmm6, [rip + numbers]
  EXPECT_TRAP(PF, 2, vpscatterdd [rsi + xmm7 * 4] {k6}, xmm6)
  kmovw eax, k6
  CHECK_EQ(rax, 0xc)
  mov eax, [rsi + 24]
  CHECK_EQ(rax, 1)
  EXPECT_TRAP(UD, 0, .byte 0x62, 0xf2, 0x7d, 0x48, 0x90, 0x04, 0x0b)    // a gather without mask
  dec r12d
  jnz again
  pass
  define_traps
.align 64
numbers: .long 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
indices: .long 6, 6, 8, 0
