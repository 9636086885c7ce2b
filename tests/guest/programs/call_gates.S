// A call gate leads from ring 3 to ring 0 on the stack of the TSS; a far return leads back; others are refused.
// skip: kvm-software its instruction emulator has no call gates
#include "long.inc"
#include "user.inc"
  install_traps
  map_user_pages
  mov word ptr ds:[GDT + 0x70], offset gate_target - 0x100000
  mov word ptr ds:[GDT + 0x72], KERNEL_CODE
  mov word ptr ds:[GDT + 0x74], 0xec00
  mov word ptr ds:[GDT + 0x76], 0x10
  mov qword ptr ds:[GDT + 0x78], 0
  mov qword ptr ds:[TRAP_RESUME], offset 1f
  mov qword ptr ds:[TRAP_STACK], rsp
  ENTER_USER(user_call, FIXED)
gate_target:
  mov ebx, 0x77
  CHECK_EQ(rsp, 0x88000 - 32)
  CHECK_EQ([rsp + 8], USER_CODE)
  CHECK_EQ([rsp + 16], USER_STACK_PAGE + 0x1000)
  .byte 0x48, 0xcb
1:
  CHECK_EQ([TRAP_VECTOR], UD)
  CHECK_EQ([TRAP_CS], USER_CODE)
  CHECK_EQ([TRAP_RSP], USER_STACK_PAGE + 0x1000)
  CHECK_EQ(rbx, 0x77)
  mov word ptr ds:[GDT + 0x74], 0x8c00                  // DPL 0
  EXPECT_USER_TRAP(GP, 0x70, user_call)
  mov word ptr ds:[GDT + 0x74], 0x6c00                  // not present
  EXPECT_USER_TRAP(NP, 0x70, user_call)
  pass
  define_traps
  user_code_begins
user_call:
  push 0
  mov dword ptr [rsp], 0
  mov dword ptr [rsp + 4], 0x73
  lea rsp, [rsp + 8]
  call far ptr [rsp - 8]
  ud2
