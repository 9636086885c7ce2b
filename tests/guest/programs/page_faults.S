// Page faults carry the right error code and CR2: absent, write-protected, reserved bits, instruction fetch.
#include "long.inc"
  install_traps
  mov rbx, WINDOW + 0x5123
  EXPECT_TRAP(PF, 0, mov rax, [rbx])
  CHECK_EQ([TRAP_CR2], WINDOW + 0x5123)
  EXPECT_TRAP(PF, 2, mov [rbx], rax)
  EXPECT_TRAP(PF, 2, inc dword ptr [rbx])
  mov qword ptr ds:[WINDOW_PT + 8 * 5], 0x300000 | P
  mov rax, [rbx]
  EXPECT_TRAP(PF, 3, mov byte ptr [rbx], 1)
  CHECK_EQ([TRAP_CR2], WINDOW + 0x5123)
  mov rax, cr0
  btr rax, 16                   // WP off: the supervisor may write read-only pages
  mov cr0, rax
  mov byte ptr [rbx], 1
  bts rax, 16
  mov cr0, rax
  EXPECT_TRAP(PF, 3, mov byte ptr [rbx], 1)
  mov rax, 0x8000000000300000 | P | RW
  mov ds:[WINDOW_PT + 8 * 5], rax
  invlpg [rbx]
  mov rax, [rbx]
  arm_trap 2f                   // a fetch from a no-execute page; RIP is the target
  jmp rbx
2:
  CHECK_EQ([TRAP_VECTOR], PF)
  CHECK_EQ([TRAP_ERROR], 0x11)
  CHECK_EQ([TRAP_RIP], WINDOW + 0x5123)
  CHECK_EQ([TRAP_CR2], WINDOW + 0x5123)
  mov rax, 0x0008000000300000 | P | RW   // physical address bit 51
  mov ds:[WINDOW_PT + 8 * 5], rax
  invlpg [rbx]
  EXPECT_TRAP(PF, 9, mov rax, [rbx])
  mov rbx, 0x7f0000000000
  EXPECT_TRAP(PF, 0, mov rax, [rbx])
  pass
  define_traps
