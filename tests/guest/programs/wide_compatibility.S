// AVX-512 in 32-bit code: memory, general and opmask registers, masks.
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
  vpternlogd zmm17, zmm17, zmm17, 0xff
  vpternlogd zmm9, zmm9, zmm9, 0xff
  mov ebx, DATA
  push KERNEL_CODE32
  push offset compatibility
  .byte 0x48, 0xcb
.code32
compatibility:
  mov eax, 7
  vpbroadcastd zmm1, eax
  mov esp, 0x5a                 // the stack pointer as an operand
  vpbroadcastd zmm2, esp
  mov esp, 0x80000
  vpaddd zmm3, zmm1, zmm2
  mov eax, 0x5555
  kmovw k1, eax
  vmovdqu32 [ebx + 64], zmm1
  vmovdqu32 [ebx + 64]{k1}, zmm3
  vpaddd zmm4{k1}{z}, zmm3, [ebx + 64]{1to16}
  vmovdqu32 [ebx + 128], zmm4
  vcvtsi2sd xmm5, xmm5, eax
  vmovsd [ebx + 192], xmm5
  kmovw edx, k1
  mov [ebx + 200], edx
  jmp KERNEL_CODE:back
.code64
back:
  CHECK_EQ([DATA + 64], 0x0000000700000061)
  CHECK_EQ([DATA + 128], 0xc2)
  CHECK_EQ([DATA + 192], 0x40d5554000000000)
  mov eax, ds:[DATA + 200]
  CHECK_EQ(rax, 0x5555)
  vmovdqu64 ds:[DATA], zmm17
  CHECK_EQ([DATA + 56], -1)
  vmovdqu64 ds:[DATA], zmm9
  CHECK_EQ([DATA + 56], -1)
  pass
  define_traps
