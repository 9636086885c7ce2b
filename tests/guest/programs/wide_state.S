// AVX-512's state: XCR0's rules, #UD and #NM, xsave and xrstor of each component, and what VEX and vzeroupper clear.
// needs: xsave avx avx512f
#include "long.inc"
  install_traps
  EXPECT_TRAP(UD, 0, vpxord zmm0, zmm0, zmm0)   // without CR4.OSXSAVE
  mov rax, cr4
  or eax, 0x40600               // OSFXSR, OSXMMEXCPT, OSXSAVE
  mov cr4, rax
  xor ecx, ecx
  xor edx, edx
  mov eax, 7
  xsetbv
  mov eax, 0xd
  xor ecx, ecx
  cpuid
  CHECK_EQ(rbx, 832)
  and eax, 0xe7
  CHECK_EQ(rax, 0xe7)
  EXPECT_TRAP(UD, 0, vpxord zmm0, zmm0, zmm0)
  EXPECT_TRAP(UD, 0, vpxord xmm16, xmm16, xmm16)
  EXPECT_TRAP(UD, 0, kmovw k1, eax)
  xor ecx, ecx
  xor edx, edx
  .irp value, 0x27, 0x47, 0x87, 0x67, 0xa7, 0xc7, 0xe3, 0xe5, 0xe0
  mov eax, \value
  EXPECT_TRAP(GP, 0, xsetbv)
  .endr
  mov eax, 0xe7
  xsetbv
  xgetbv
  CHECK_EQ(rax, 0xe7)
  mov rax, cr0
  or eax, 8                     // TS
  mov cr0, rax
  EXPECT_TRAP(NM, 0, vpxord zmm0, zmm0, zmm0)
  EXPECT_TRAP(NM, 0, kmovw k1, eax)
  clts
  mov eax, 0xd
  mov ecx, 5
  cpuid
  CHECK_EQ(rax, 64)
  lea r8, [rbx + area]          // opmasks
  mov eax, 0xd
  mov ecx, 6
  cpuid
  CHECK_EQ(rax, 512)
  lea r9, [rbx + area]          // upper halves
  mov eax, 0xd
  mov ecx, 7
  cpuid
  CHECK_EQ(rax, 1024)
  lea r10, [rbx + area]         // zmm16 to zmm31
  mov eax, 0xd
  xor ecx, ecx
  cpuid
  sub rbx, 1024
  add rbx, offset area
  cmp rbx, r10
  jne different
  mov rsi, offset area
  mov r12d, 40                  // so that translated code does it too
again:
  movabs rax, 0x1122334455667788
  kmovw k3, eax
  vpbroadcastq zmm5, rax
  not rax
  vpbroadcastq zmm21, rax
  mov eax, -1
  mov edx, -1
  mov qword ptr [rsi + 512], 0
  xsave64 [rsi]
  mov rax, [rsi + 512]
  and eax, 0xe0
  CHECK_EQ(rax, 0xe0)
  CHECK_EQ([r8 + 3 * 8], 0x7788)
  CHECK_EQ([r9 + 5 * 32 + 24], 0x1122334455667788)
  CHECK_EQ([r10 + 5 * 64 + 56], 0xeeddccbbaa998877)
  kxorw k3, k3, k3
  vpxord zmm5, zmm5, zmm5
  vpxord zmm21, zmm21, zmm21
  xor edx, edx
  mov eax, 0x20                 // opmasks alone
  xrstor64 [rsi]
  kmovw eax, k3
  CHECK_EQ(rax, 0x7788)
  vmovdqu64 ds:[DATA], zmm5
  CHECK_EQ([DATA + 56], 0)
  mov eax, 0x40                 // upper halves alone
  xrstor64 [rsi]
  vmovdqu64 ds:[DATA], zmm5
  CHECK_EQ([DATA + 24], 0)
  CHECK_EQ([DATA + 32], 0x1122334455667788)
  vmovdqu64 ds:[DATA], zmm21
  CHECK_EQ([DATA], 0)
  mov eax, 0x80
  xrstor64 [rsi]
  vmovdqu64 ds:[DATA], zmm21
  CHECK_EQ([DATA], 0xeeddccbbaa998877)
  CHECK_EQ([DATA + 56], 0xeeddccbbaa998877)
  mov eax, 7                    // not AVX-512's
  mov qword ptr [rsi + 512], 0
  xrstor64 [rsi]
  kmovw eax, k3
  CHECK_EQ(rax, 0x7788)
  mov eax, 0xe7                 // all initial
  xrstor [rsi]
  kmovw eax, k3
  CHECK_EQ(rax, 0)
  vmovdqu64 ds:[DATA], zmm21
  CHECK_EQ([DATA + 56], 0)
  mov qword ptr [rsi + 512], 0x100
  EXPECT_TRAP(GP, 0, xrstor64 [rsi])
  vpternlogd zmm6, zmm6, zmm6, 0xff
  vpternlogd zmm7, zmm7, zmm7, 0xff
  vpternlogd zmm26, zmm26, zmm26, 0xff
  vmovdqa ymm6, ymm6            // clears what lies above
  vmovdqu64 ds:[DATA], zmm6
  CHECK_EQ([DATA + 24], -1)
  CHECK_EQ([DATA + 32], 0)
  movaps xmm7, xmm6             // keeps it
  vmovdqu64 ds:[DATA], zmm7
  CHECK_EQ([DATA + 32], -1)
  vpcmpeqd ymm8, ymm8, ymm8
  vmaskmovps ymm7, ymm8, ds:[DATA]      // interpreted; clears it too
  vmovdqu64 ds:[DATA], zmm7
  CHECK_EQ([DATA + 24], -1)
  CHECK_EQ([DATA + 32], 0)
  vpternlogd zmm7, zmm7, zmm7, 0xff
  vzeroupper
  vmovdqu64 ds:[DATA], zmm7
  CHECK_EQ([DATA + 8], -1)
  CHECK_EQ([DATA + 16], 0)
  CHECK_EQ([DATA + 32], 0)
  vmovdqu64 ds:[DATA], zmm26
  CHECK_EQ([DATA + 56], -1)
  vpternlogd zmm9, zmm9, zmm9, 0xff    // all of it outlives what is not translated
  vpternlogd zmm17, zmm17, zmm17, 0xff
  kxnorw k5, k5, k5
  xor eax, eax
  cpuid
  mov rax, cr3
  mov cr3, rax
  mov eax, 0x20
  xor edx, edx
  vmovdqu64 ds:[DATA], zmm9
  vmovdqu64 ds:[DATA + 64], zmm17
  CHECK_EQ([DATA + 56], -1)
  CHECK_EQ([DATA + 64], -1)
  CHECK_EQ([DATA + 120], -1)
  kmovw eax, k5
  CHECK_EQ(rax, 0xffff)
  dec r12d
  jnz again
  xor ecx, ecx
  xor edx, edx
  mov eax, 7
  xsetbv
  EXPECT_TRAP(UD, 0, vpxord zmm0, zmm0, zmm0)
  EXPECT_TRAP(UD, 0, kmovw k1, eax)
  vpxor ymm0, ymm0, ymm0
  pass
different:
  fail __LINE__
  define_traps
.align 64
area: .fill 4096, 1, 0
