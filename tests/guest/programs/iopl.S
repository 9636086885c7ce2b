// With IOPL 3, set by iret, ring 3 may use cli, sti and popf on IF.
// skip: kvm-software its iret does not load IOPL
#include "long.inc"
#include "user.inc"
  install_traps
  map_user_pages
  mov qword ptr ds:[TRAP_VECTOR], -1
  mov qword ptr ds:[TRAP_RESUME], offset 1f
  mov qword ptr ds:[TRAP_STACK], rsp
  ENTER_USER(user_cli, FIXED | IF | 0x3000)
1:
  CHECK_EQ([TRAP_VECTOR], UD)           // with IOPL 3 it may
  mov rax, [TRAP_FLAGS]
  and eax, 0x3200
  CHECK_EQ(rax, 0x3000)
  CHECK_EQ(rbx, 0x3200)
  mov qword ptr ds:[TRAP_RESUME], 0
  pass
  define_traps
  user_code_begins
user_cli:
  cli
  sti
  pushfq
  pop rbx
  and ebx, 0x3200
  cli
  ud2
