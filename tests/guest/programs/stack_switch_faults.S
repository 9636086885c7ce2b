// A privilege change to a stack that is not there: #SS for a stack that is not canonical, #DF when that fails too.
// skip: kvm-software it makes a double fault of the first
#include "long.inc"
#include "user.inc"
  install_traps
  map_user_pages
  SET_GATE(SS_FAULT, trap_stubs + 16 * SS_FAULT, 0, 1)
  SET_GATE(PF, trap_stubs + 16 * PF, 0, 1)
  SET_GATE(DF, trap_stubs + 16 * DF, 0, 2)
  movabs rax, 0x800000001000
  mov ds:[TSS + 4], rax
  EXPECT_USER_TRAP(SS_FAULT, 1, user_undefined)  // EXT: it came of delivering another event
  movabs rax, WINDOW + 0x1000
  mov ds:[TSS + 4], rax
  EXPECT_USER_TRAP(PF, 2, user_undefined)
  CHECK_EQ([TRAP_RSP], USER_STACK_PAGE + 0x1000)
  mov qword ptr ds:[TSS + 0x24], rax                    // IST1 as well: the fault of a fault
  EXPECT_USER_TRAP(DF, 0, user_undefined)
  pass
  define_traps
  user_code_begins
user_undefined:
  ud2
