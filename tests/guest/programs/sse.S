// SSE and SSE2 compute as the host does: integers, floats, conversions, comparisons, unaligned and aligned memory.
// skip: kvm-software its instruction emulator has no SSE arithmetic
#include "long.inc"
  install_traps
  movdqu xmm0, [rip + first]
  movdqu xmm1, [rip + second]
  movdqa xmm2, xmm0
  paddd xmm2, xmm1
  movq rax, xmm2
  CHECK_EQ(rax, 0x0000000300000000)
  pcmpeqd xmm3, xmm3
  movmskps eax, xmm3
  CHECK_EQ(rax, 15)
  pxor xmm3, xmm3
  movdqu ds:[DATA + 5], xmm0            // unaligned
  movups xmm4, ds:[DATA + 5]
  pcmpeqb xmm4, xmm0
  pmovmskb eax, xmm4
  CHECK_EQ(rax, 0xffff)
  EXPECT_TRAP(GP, 0, movaps xmm0, ds:[DATA + 5])
  mov eax, 3
  cvtsi2sd xmm5, eax
  mov eax, 7
  cvtsi2sd xmm6, eax
  divsd xmm5, xmm6
  movq rax, xmm5
  CHECK_EQ(rax, 0x3fdb6db6db6db6db)
  sqrtsd xmm6, xmm6
  movq rax, xmm6
  CHECK_EQ(rax, 0x40052a7fa9d2f8ea)
  cvttsd2si eax, xmm6
  CHECK_EQ(rax, 2)
  ucomisd xmm5, xmm6
  CHECK_FLAGS(CF | ZF | PARITY, CF)
  mov eax, 0x7fc00000
  movd xmm7, eax
  ucomiss xmm7, xmm7                    // unordered
  CHECK_FLAGS(CF | ZF | PARITY, CF | ZF | PARITY)
  pshufd xmm8, xmm0, 0x1b
  movd eax, xmm8
  CHECK_EQ(rax, 0x80000000)
  punpcklbw xmm9, xmm9
  movnti ds:[DATA + 64], rax
  CHECK_EQ([DATA + 64], 0x80000000)
  pass
  define_traps
.align 4
  .long 0
first: .long 0xffffffff, 1, 0x7fffffff, 0x80000000
second: .long 1, 2, 1, 0x80000000
