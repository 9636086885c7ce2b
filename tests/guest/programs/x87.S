// x87: arithmetic, stack, control word, conversions, comparisons, and #MF at the next waiting instruction.
// skip: kvm-software its instruction emulator has no x87
#include "long.inc"
  install_traps
  fninit
  fld1
  fld1
  fadd st(0), st(1)
  fsqrt
  fstp qword ptr ds:[DATA]
  CHECK_EQ([DATA], 0x3ff6a09e667f3bcd)          // the square root of 2
  fstp st(0)
  fldpi
  fistp dword ptr ds:[DATA]
  mov eax, ds:[DATA]
  CHECK_EQ(rax, 3)
  mov word ptr ds:[DATA], 0xf7f                 // round to zero
  fldcw ds:[DATA]
  fldl2t                                        // 3.32...
  fchs
  fistp qword ptr ds:[DATA]
  CHECK_EQ([DATA], -3)
  fninit
  fld1
  fldz
  fcomip st(0), st(1)
  CHECK_FLAGS(CF | ZF | PARITY, CF)
  fldl2e
  fstp tbyte ptr ds:[DATA]
  CHECK_EQ([DATA], 0xb8aa3b295c17f0bc)
  fbld tbyte ptr [rip + decimal]
  fistp qword ptr ds:[DATA]
  CHECK_EQ([DATA], 123456)
  fninit
  fldz
  fld1
  fdivrp st(1), st(0)                           // masked: infinity
  fnstsw ax
  and eax, 4
  CHECK_EQ(rax, 4)
  fninit
  mov word ptr ds:[DATA], 0x37b                 // unmask division by zero
  fldcw ds:[DATA]
  fld1
  fldz
  fdivp st(1), st(0)
  EXPECT_TRAP(MF, 0, fldz)                      // reported here
  fnstsw ax
  and eax, 0x8084
  CHECK_EQ(rax, 0x8084)
  fnclex
  fninit
  pass
  define_traps
decimal: .byte 0x56, 0x34, 0x12, 0, 0, 0, 0, 0, 0, 0
