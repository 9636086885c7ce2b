// A repeated string instruction that faults midway has RCX, RSI and RDI where it stopped, and goes on after repair.
#include "long.inc"
  install_traps
  mov qword ptr ds:[WINDOW_PT], 0x300000 | P | RW
  movabs rdi, WINDOW + 0xff0
  mov ecx, 4
  mov rax, 0x77
  EXPECT_TRAP(PF, 2, rep stosq)
  CHECK_EQ([TRAP_CR2], WINDOW + 0x1000)
  CHECK_EQ(rcx, 2)
  CHECK_EQ(rdi, WINDOW + 0x1000)
  CHECK_EQ([0x300ff8], 0x77)
  mov qword ptr ds:[WINDOW_PT + 8], 0x301000 | P | RW
  rep stosq
  CHECK_EQ([0x301008], 0x77)
  mov qword ptr ds:[WINDOW_PT + 8], 0
  movabs rsi, WINDOW + 0xff0
  invlpg [rsi + 0x10]
  mov edi, DATA
  mov ecx, 4
  EXPECT_TRAP(PF, 0, rep movsq)
  CHECK_EQ(rcx, 2)
  CHECK_EQ(rsi, WINDOW + 0x1000)
  CHECK_EQ(rdi, DATA + 16)
  CHECK_EQ([DATA + 8], 0x77)
  pass
  define_traps
