// A contributory fault while another is delivered is a double fault, on its own stack, with error code 0.
#include "long.inc"
  install_traps
  SET_GATE(DF, trap_stubs + 16 * DF, 0, 2)
  mov word ptr ds:[IDT + 16 * GP + 4], 0x0e00   // no gate for #GP: #NP, contributory as well
  mov rbx, 0x800000000000
  arm_trap 2f
  mov rax, [rbx]
2:
  CHECK_EQ([TRAP_VECTOR], DF)
  CHECK_EQ([TRAP_ERROR], 0)
  CHECK_EQ([TRAP_HANDLER_RSP], 0x8c000 - 40)
  pass
  define_traps
