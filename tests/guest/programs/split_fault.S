// An access across two pages of which the second faults reports that page and changes nothing.
// skip: kvm-software its instruction emulator writes the first page before the second faults
#include "long.inc"
  install_traps
  mov rbx, WINDOW + 0x5ffd
  mov qword ptr ds:[WINDOW_PT + 8 * 5], 0x300000 | P | RW
  mov rax, -1
  EXPECT_TRAP(PF, 2, mov [rbx], rax)
  CHECK_EQ([TRAP_CR2], WINDOW + 0x6000)
  CHECK_EQ([0x300ff8], 0)
  EXPECT_TRAP(PF, 0, mov rax, [rbx])
  CHECK_EQ([TRAP_CR2], WINDOW + 0x6000)
  EXPECT_TRAP(PF, 2, add [rbx], rax)
  CHECK_EQ([TRAP_CR2], WINDOW + 0x6000)
  mov rbp, rsp
  lea rsp, [rbx + 8]
  arm_trap 2f
  mov ds:[TRAP_STACK], rbp
  SET_GATE(PF, trap_stubs + 16 * PF, 0, 1)
  push rax
2:
  CHECK_EQ([TRAP_VECTOR], PF)
  CHECK_EQ([TRAP_RSP], WINDOW + 0x6005)         // RSP is as it was
  CHECK_EQ([0x300ff8], 0)
  mov qword ptr ds:[WINDOW_PT + 8 * 6], 0x302000 | P
  EXPECT_TRAP(PF, 3, mov [rbx], rax)
  CHECK_EQ([TRAP_CR2], WINDOW + 0x6000)
  CHECK_EQ([0x300ff8], 0)
  mov qword ptr ds:[WINDOW_PT + 8 * 6], 0x302000 | P | RW
  invlpg [rbx + 8]
  mov [rbx], rax
  CHECK_EQ([0x302000], 0xffffffffff)
  CHECK_EQ([0x300ff8], 0xffffff0000000000)
  pass
  define_traps
