// Ring 3 reaches user pages only; its faults say so in the error code.
#include "long.inc"
#include "user.inc"
  install_traps
  map_user_pages
  EXPECT_USER_TRAP(UD, 0, user_undefined)
  CHECK_EQ([TRAP_SS], USER_DATA)
  CHECK_EQ([TRAP_RSP], USER_STACK_PAGE + 0x1000)
  CHECK_EQ([TRAP_HANDLER_RSP], 0x88000 - 40)
  EXPECT_USER_TRAP(PF, 5, user_read_kernel)
  CHECK_EQ([TRAP_CR2], DATA)
  EXPECT_USER_TRAP(PF, 7, user_write_kernel)
  EXPECT_USER_TRAP(PF, 0x15, user_jump_kernel)
  mov qword ptr ds:[WINDOW_PT + 8 * 7], 0x301000 | P | US
  EXPECT_USER_TRAP(PF, 7, user_write_read_only)
  EXPECT_USER_TRAP(PF, 4, user_read_absent)
  mov qword ptr ds:[WINDOW_PT + 8 * 7], 0x301000 | P | RW | US
  mov rbx, WINDOW + 0x7000
  invlpg [rbx]
  EXPECT_USER_TRAP(UD, 0, user_write_read_only)
  CHECK_EQ([0x301000], 0x55)
  and byte ptr ds:[WINDOW_PDPT], ~US & 0xff      // every level must allow it
  mov rax, cr3
  mov cr3, rax
  EXPECT_USER_TRAP(PF, 0x15, user_undefined)
  pass
  define_traps
  user_code_begins
user_undefined:
  ud2
user_read_kernel:
  mov rax, ds:[DATA]
user_write_kernel:
  mov ds:[DATA], rax
user_jump_kernel:
  mov eax, DATA
  jmp rax
user_write_read_only:
  mov rbx, WINDOW + 0x7000
  mov qword ptr [rbx], 0x55
  ud2
user_read_absent:
  mov rbx, WINDOW + 0x9000
  mov rax, [rbx]
