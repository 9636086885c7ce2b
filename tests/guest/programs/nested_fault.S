// A fault that comes of delivering a benign exception is delivered itself; its error code has EXT set.
// skip: kvm-software it makes a double fault of it
#include "long.inc"
  install_traps
  mov word ptr ds:[IDT + 16 * UD + 4], 0x0e00   // a gate that is not present
  EXPECT_TRAP(NP, UD * 8 + 3, ud2)
  SET_GATE(UD, trap_stubs + 16 * UD, 0, 0)
  SET_GATE(PF, trap_stubs + 16 * PF, 0, 1)
  movabs rsp, WINDOW + 0x1000                   // pushing the #UD frame faults: #PF instead, on another stack
  arm_trap 2f
  mov qword ptr ds:[TRAP_STACK], 0x90000
  ud2
2:
  CHECK_EQ([TRAP_VECTOR], PF)
  CHECK_EQ([TRAP_ERROR], 2)
  CHECK_EQ([TRAP_RSP], WINDOW + 0x1000)
  mov rax, [TRAP_CR2]
  and rax, ~0xfff
  CHECK_EQ(rax, WINDOW)
  pass
  define_traps
