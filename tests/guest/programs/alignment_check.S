// With CR0.AM and EFLAGS.AC, ring 3 gets #AC(0) for unaligned data; ring 0 does not.
// skip: kvm-software its instruction emulator does not check alignment
#include "long.inc"
#include "user.inc"
  install_traps
  map_user_pages
  mov rax, cr0
  bts rax, 18
  mov cr0, rax
  push 0x40002
  popfq
  mov rax, ds:[DATA + 1]
  push FIXED
  popfq
  mov qword ptr ds:[TRAP_VECTOR], -1
  mov qword ptr ds:[TRAP_RESUME], offset 1f
  mov qword ptr ds:[TRAP_STACK], rsp
  ENTER_USER(user_unaligned, 0x40002)
1:
  CHECK_EQ([TRAP_VECTOR], AC)
  CHECK_EQ([TRAP_ERROR], 0)
  mov qword ptr ds:[TRAP_RESUME], 0
  CHECK_EQ(rbx, 1)
  EXPECT_USER_TRAP(UD, 0, user_unaligned)       // AC clear: nothing is checked
  pass
  define_traps
  user_code_begins
user_unaligned:
  xor ebx, ebx
  mov rax, [rsp - 8]                    // aligned
  inc ebx
  mov rax, [rsp - 7 - 8]
  ud2
