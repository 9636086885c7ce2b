// CR0.TS and EM, and CR4.OSFXSR, make floating-point and vector instructions fault; clts ends it. The same code meets
// all of it.
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
  mov r14d, 3
again:
  mov qword ptr ds:[TRAP_VECTOR], -1
  mov qword ptr ds:[TRAP_RESUME], offset refused
  mov qword ptr ds:[TRAP_STACK], rsp
  mov rax, cr0
  bts rax, 3
  mov cr0, rax
  jmp use_state
refused:
  CHECK_EQ([TRAP_VECTOR], NM)
  CHECK_EQ([TRAP_RIP], offset first_use)
  CHECK_EQ(rcx, 5)
  mov r15, [TRAP_FLAGS]
  test r15d, CF
  jz wrong
  mov qword ptr ds:[TRAP_RESUME], 0
  clts
  call use_state
  CHECK_EQ(rcx, 6)
  dec r14d
  jnz again
  pass
wrong:
  fail __LINE__
use_state:
  mov ecx, 5
  cmp ecx, 6
first_use:
  pxor xmm0, xmm0
  movd ds:[DATA], xmm0
  adc ecx, 0
  ret
  define_traps
