// CR0.TS and EM, and CR4.OSFXSR, make floating-point and vector instructions fault; clts ends it.
// skip: kvm-software its instruction emulator has no x87
#include "long.inc"
  install_traps
  mov rax, cr0
  bts rax, 3
  mov cr0, rax
  EXPECT_TRAP(NM, 0, fldz)
  EXPECT_TRAP(NM, 0, pxor xmm0, xmm0)
  EXPECT_TRAP(NM, 0, movaps xmm0, ds:[DATA])
  EXPECT_TRAP(NM, 0, fxsave64 ds:[DATA])
  EXPECT_TRAP(NM, 0, fwait)             // MP is set too
  clts
  fldz
  pxor xmm0, xmm0
  mov rax, cr0
  bts rax, 2
  btr rax, 1
  mov cr0, rax
  EXPECT_TRAP(NM, 0, fldz)
  EXPECT_TRAP(UD, 0, pxor xmm0, xmm0)
  btr rax, 2
  bts rax, 1
  mov cr0, rax
  mov rax, cr4
  btr rax, 9
  mov cr4, rax
  EXPECT_TRAP(UD, 0, pxor xmm0, xmm0)
  bts rax, 9
  mov cr4, rax
  pxor xmm0, xmm0
  pass
  define_traps
