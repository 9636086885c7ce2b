// popf and pushf: reserved bits, and IF and IOPL by privilege.
#include "long.inc"
#include "user.inc"
  install_traps
  map_user_pages
  push 0x247ed7                         // AC, ID, NT, IOPL 3 and all others but TF, RF, VM
  popfq
  pushfq
  pop rax
  push FIXED
  popfq
  CHECK_EQ(rax, 0x247ed7)
  push 0x28ed7 & ~TF | 0x8028           // fixed bits: 1 is set, 3, 5 and 15 are clear; RF is cleared
  popfq
  pushfq
  pop rax
  push FIXED
  popfq
  and eax, 0x1802a
  CHECK_EQ(rax, 2)
  EXPECT_USER_TRAP(UD, 0, user_popf)
  mov rax, [TRAP_FLAGS]
  and eax, 0x3200
  CHECK_EQ(rax, 0)                      // ring 3 with IOPL 0 changes neither IF nor IOPL
  pass
  define_traps
  user_code_begins
user_popf:
  push 0x3202
  popfq
  ud2
