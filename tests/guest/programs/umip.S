// CR4.UMIP takes sgdt, sidt, sldt, smsw and str away from ring 3.
// needs: umip
#include "long.inc"
#include "user.inc"
  install_traps
  map_user_pages
  EXPECT_USER_TRAP(UD, 0, user_smsw)
  mov rax, cr4
  bts rax, 11
  mov cr4, rax
  sgdt ds:[DATA]
  smsw eax
  EXPECT_USER_TRAP(GP, 0, user_sgdt)
  EXPECT_USER_TRAP(GP, 0, user_sidt)
  EXPECT_USER_TRAP(GP, 0, user_sldt)
  EXPECT_USER_TRAP(GP, 0, user_smsw)
  EXPECT_USER_TRAP(GP, 0, user_str)
  pass
  define_traps
  user_code_begins
user_sgdt: sgdt [rsp - 16]
user_sidt: sidt [rsp - 16]
user_sldt: sldt eax
user_smsw:
  smsw eax
  ud2
user_str: str eax
