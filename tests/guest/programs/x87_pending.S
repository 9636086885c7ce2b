// An x87 exception that waits comes before what is wrong with the memory of x87 and MMX instructions, and after
// what is wrong with that of all others.
// skip: kvm-software its instruction emulator has no x87
#include "long.inc"
#define NOWHERE WINDOW + 0x5000
  install_traps
  mov rbx, NOWHERE
  mov rdi, DATA + 0x100
  movdqa [rdi], xmm0                            // the page and its translation are there
  mov word ptr ds:[DATA], 0x37b                 // unmask division by zero
  fninit
  fldcw ds:[DATA]
  fld1
  fldz
  fdivp st(1), st(0)
  // SSE's conversions to MMX registers; the first two have an operand of 16 bytes
  EXPECT_TRAP(MF, 0, cvtpd2pi mm0, [rbx])
  EXPECT_TRAP(MF, 0, cvttpd2pi mm0, [rbx])
  EXPECT_TRAP(MF, 0, cvtpd2pi mm0, [rbx + 8])
  EXPECT_TRAP(MF, 0, cvttpd2pi mm0, [rdi])
  EXPECT_TRAP(MF, 0, cvtps2pi mm0, [rbx])
  EXPECT_TRAP(MF, 0, cvttps2pi mm0, [rbx])
  // MMX
  EXPECT_TRAP(MF, 0, movd mm0, [rbx])
  EXPECT_TRAP(MF, 0, movd [rbx], mm0)
  EXPECT_TRAP(MF, 0, movq mm0, [rbx])
  EXPECT_TRAP(MF, 0, movq [rbx], mm0)
  EXPECT_TRAP(MF, 0, movntq [rbx], mm0)
  EXPECT_TRAP(MF, 0, paddb mm0, [rbx])
  EXPECT_TRAP(MF, 0, paddq mm0, [rbx])
  EXPECT_TRAP(MF, 0, psllw mm0, [rbx])
  EXPECT_TRAP(MF, 0, punpcklbw mm0, [rbx])
  EXPECT_TRAP(MF, 0, pshufw mm0, [rbx], 1)
  EXPECT_TRAP(MF, 0, pinsrw mm0, [rbx], 1)
  EXPECT_TRAP(MF, 0, pshufb mm0, [rbx])
  EXPECT_TRAP(MF, 0, palignr mm0, [rbx], 1)
  EXPECT_TRAP(MF, 0, maskmovq mm0, mm1)         // to [rdi], which is there
  // x87
  EXPECT_TRAP(MF, 0, fld dword ptr [rbx])
  EXPECT_TRAP(MF, 0, fld tbyte ptr [rbx])
  EXPECT_TRAP(MF, 0, fst qword ptr [rbx])
  EXPECT_TRAP(MF, 0, fstp tbyte ptr [rbx])
  EXPECT_TRAP(MF, 0, fild word ptr [rbx])
  EXPECT_TRAP(MF, 0, fistp dword ptr [rbx])
  EXPECT_TRAP(MF, 0, fisttp qword ptr [rbx])
  EXPECT_TRAP(MF, 0, fbld tbyte ptr [rbx])
  EXPECT_TRAP(MF, 0, fbstp tbyte ptr [rbx])
  EXPECT_TRAP(MF, 0, fadd qword ptr [rbx])
  EXPECT_TRAP(MF, 0, ficom word ptr [rbx])
  EXPECT_TRAP(MF, 0, fldcw [rbx])
  EXPECT_TRAP(MF, 0, fldenv [rbx])
  EXPECT_TRAP(MF, 0, frstor [rbx])
  // x87 instructions that do not wait
  EXPECT_TRAP(PF, 2, fnstcw [rbx])
  EXPECT_TRAP(PF, 2, fnstsw [rbx])
  EXPECT_TRAP(PF, 2, fnstenv [rbx])
  EXPECT_TRAP(PF, 2, fnsave [rbx])
  EXPECT_TRAP(PF, 2, fxsave [rbx])
  EXPECT_TRAP(PF, 0, fxrstor [rbx])
  // SSE, and general registers
  EXPECT_TRAP(PF, 0, movaps xmm0, [rbx])
  EXPECT_TRAP(PF, 2, movaps [rbx], xmm0)
  EXPECT_TRAP(PF, 0, movdqu xmm0, [rbx])
  EXPECT_TRAP(PF, 0, movq xmm0, [rbx])
  EXPECT_TRAP(PF, 0, cvtpd2ps xmm0, [rbx])
  EXPECT_TRAP(PF, 0, cvttpd2dq xmm0, [rbx])
  mov dword ptr [rdi], 0xffff0000               // reserved bits
  EXPECT_TRAP(GP, 0, ldmxcsr [rdi])
  EXPECT_TRAP(PF, 0, ldmxcsr [rbx])
  EXPECT_TRAP(PF, 2, add qword ptr [rbx], 1)
  CHECK_EQ([TRAP_CR2], NOWHERE)
  // with no exception waiting
  fnclex
  EXPECT_TRAP(PF, 0, cvtpd2pi mm0, [rbx])
  EXPECT_TRAP(PF, 0, cvttpd2pi mm0, [rbx])
  EXPECT_TRAP(GP, 0, cvttpd2pi mm0, [rbx + 8])
  EXPECT_TRAP(PF, 0, movq mm0, [rbx])
  EXPECT_TRAP(PF, 2, fistp dword ptr [rbx])
  mov rax, 0x3ff0000000000000
  mov [rdi], rax
  mov [rdi + 8], rax
  cvtpd2pi mm1, [rdi]
  movq rax, mm1
  CHECK_EQ(rax, 0x100000001)
  cvttpd2pi mm2, [rdi]
  movq rax, mm2
  CHECK_EQ(rax, 0x100000001)
  pass
  define_traps
