// AES, carry-less multiplication and CRC32 give their published results.
// needs: aes pclmulqdq sse4_2
#include "long.inc"
  movdqu xmm0, [rip + state]
  aesenc xmm0, [rip + key]              // the example of Intel's AES-NI white paper
  movdqu ds:[DATA], xmm0
  CHECK_EQ([DATA], 0x8b104b58ded7e595)
  CHECK_EQ([DATA + 8], 0xa8311c2f9fdba3c5)
  mov eax, 3
  movq xmm1, rax
  mov eax, 5
  movq xmm2, rax
  pclmulqdq xmm1, xmm2, 0
  movq rax, xmm1
  CHECK_EQ(rax, 15)
  mov eax, -1
  mov ecx, 0x31
  crc32 eax, cl
  not eax
  CHECK_EQ(rax, 0x90f599e3)
  pass
.align 16
state: .quad 0x63746f725d53475d, 0x7b5b546573745665
key: .quad 0x5b477565726f6e5d, 0x4869285368617929
