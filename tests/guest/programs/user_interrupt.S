// An external interrupt in ring 3 switches to RSP0, and iretq goes back to ring 3.
#include "long.inc"
#include "user.inc"
  install_traps
  map_user_pages
  SET_GATE(0x30, handler, 0, 0)
  xor ebx, ebx
  xor ecx, ecx
  mov eax, 0x30
  out PORT_INTERRUPT, al                // waits: IF is clear
  mov qword ptr ds:[TRAP_RESUME], offset 1f
  mov qword ptr ds:[TRAP_STACK], rsp
  ENTER_USER(user_loop, FIXED | IF)
handler:
  CHECK_EQ([rsp + 8], USER_CODE)
  CHECK_EQ([rsp + 32], USER_DATA)
  CHECK_EQ([rsp + 24], USER_STACK_PAGE + 0x1000)
  CHECK_EQ(rsp, 0x88000 - 40)
  mov ebx, 1
  iretq
1:
  CHECK_EQ([TRAP_VECTOR], UD)
  CHECK_EQ(rbx, 1)
  pass
  define_traps
  user_code_begins
user_loop:
  inc ecx
  cmp ecx, 100000000
  je 2f
  cmp ebx, 0
  je user_loop
2:
  ud2
