// Unmasked SIMD floating-point exceptions raise #XM and set MXCSR's flags; without OSXMMEXCPT they raise #UD.
// skip: kvm-software its instruction emulator has no SSE arithmetic
#include "long.inc"
  install_traps
  stmxcsr ds:[DATA]
  CHECK_EQ([DATA], 0x1f80)
  xorps xmm0, xmm0
  mov eax, 0x3f800000
  movd xmm1, eax
  movaps xmm2, xmm1
  divss xmm2, xmm0                      // masked: infinity, and the flag
  movd eax, xmm2
  CHECK_EQ(rax, 0x7f800000)
  stmxcsr ds:[DATA]
  CHECK_EQ([DATA], 0x1f84)
  mov dword ptr ds:[DATA], 0x1d80       // unmask division by zero
  ldmxcsr ds:[DATA]
  movaps xmm2, xmm1
  EXPECT_TRAP(XM, 0, divss xmm2, xmm0)
  movd eax, xmm2
  CHECK_EQ(rax, 0x3f800000)             // unchanged
  stmxcsr ds:[DATA]
  CHECK_EQ([DATA], 0x1d84)
  mov rax, cr4
  btr rax, 10
  mov cr4, rax
  EXPECT_TRAP(UD, 0, divss xmm2, xmm0)
  bts rax, 10
  mov cr4, rax
  mov dword ptr ds:[DATA], 0x80001f80   // reserved bits
  EXPECT_TRAP(GP, 0, ldmxcsr ds:[DATA])
  pass
  define_traps
