// Privileged instructions fault in ring 3 with #GP(0).
#include "long.inc"
#include "user.inc"
  install_traps
  map_user_pages
  EXPECT_USER_TRAP(GP, 0, user_hlt)
  EXPECT_USER_TRAP(GP, 0, user_cli)
  EXPECT_USER_TRAP(GP, 0, user_sti)
  EXPECT_USER_TRAP(GP, 0, user_out)
  EXPECT_USER_TRAP(GP, 0, user_in)
  EXPECT_USER_TRAP(GP, 0, user_mov_cr0)
  EXPECT_USER_TRAP(GP, 0, user_mov_cr3)
  EXPECT_USER_TRAP(GP, 0, user_mov_dr7)
  EXPECT_USER_TRAP(GP, 0, user_wrmsr)
  EXPECT_USER_TRAP(GP, 0, user_rdmsr)
  EXPECT_USER_TRAP(GP, 0, user_lgdt)
  EXPECT_USER_TRAP(GP, 0, user_ltr)
  EXPECT_USER_TRAP(GP, 0, user_invlpg)
  EXPECT_USER_TRAP(GP, 0, user_wbinvd)
  EXPECT_USER_TRAP(GP, 0, user_clts)
  EXPECT_USER_TRAP(GP, 0, user_swapgs)
  EXPECT_USER_TRAP(GP, 0, user_sysret)
  pass
  define_traps
  user_code_begins
user_hlt: hlt
user_cli: cli
user_sti: sti
user_out: out 0x80, al
user_in: in al, 0x80
user_mov_cr0: mov rax, cr0
user_mov_cr3: mov cr3, rax
user_mov_dr7: mov rax, dr7
user_wrmsr: wrmsr
user_rdmsr: rdmsr
user_lgdt: lgdt [rsp - 16]
user_ltr: ltr ax
user_invlpg: invlpg [rax]
user_wbinvd: wbinvd
user_clts: clts
user_swapgs: swapgs
user_sysret: sysretq
