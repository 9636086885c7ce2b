// leave moves the stack 8 GiB away, where the same offset holds something else than 4 GiB from where it was.
#include "long.inc"
#include "user.inc"
#define ELSEWHERE_PD 0x310000
#define ELSEWHERE_PT 0x311000
#define STACK_OFFSET 0x800
#define REGION 0x100000000
  install_traps
  map_user_pages
  mov qword ptr ds:[WINDOW_PDPT + 8 * 4], ELSEWHERE_PD | P | RW | US
  mov qword ptr ds:[ELSEWHERE_PD], ELSEWHERE_PT | P | RW | US
  mov qword ptr ds:[ELSEWHERE_PT + 8 * 0x102], 0x320000 | P | RW | US
  mov qword ptr ds:[WINDOW_PDPT + 8 * 8], WINDOW_PD | P | RW | US
  mov qword ptr ds:[0x320000 + STACK_OFFSET], 0x66
  mov qword ptr ds:[0x320008 + STACK_OFFSET], 0x77
  mov qword ptr ds:[0x300000 + STACK_OFFSET], 0x44
  mov qword ptr ds:[0x300008 + STACK_OFFSET], 0x55
  mov r14d, 3
again:
  xor ecx, ecx
  expect_user_trap UD, 0, user_leave, __LINE__
  CHECK_EQ(rcx, 0x55)
  CHECK_EQ(rbp, 0x44)
  CHECK_EQ([TRAP_RSP], USER_STACK_PAGE + STACK_OFFSET + 16 + 2 * REGION)
  dec r14d
  jnz again
  pass
  define_traps
  user_code_begins
user_leave:
  push 1
  movabs rbx, USER_STACK_PAGE + STACK_OFFSET + REGION
  mov rdx, [rbx]
  movabs rbp, USER_STACK_PAGE + STACK_OFFSET + 2 * REGION
  push 2
  leave
  pop rcx
  ud2
