// Software interrupts: gate DPL, IST stacks, stack alignment, IF, error codes of bad gates, int3 and into.
// skip: kvm-software its instruction emulator knows int in real mode only
#include "long.inc"
#include "user.inc"
  install_traps
  map_user_pages
  sti
  mov qword ptr ds:[TRAP_STACK], rsp
  EXPECT_TRAP_AFTER(0x21, 0, int 0x21)
  mov rax, ds:[TRAP_FLAGS]
  and eax, IF
  CHECK_EQ(rax, IF)
  EXPECT_TRAP_AFTER(BP, 0, int3)
  EXPECT_TRAP_AFTER(BP, 0, int 3)
  SET_GATE(0x22, trap_stubs + 16 * 0x22, 0, 1)
  EXPECT_TRAP_AFTER(0x22, 0, int 0x22)
  CHECK_EQ([TRAP_HANDLER_RSP], 0x8a000 - 40)
  mov rbp, rsp
  sub rsp, 5                    // without IST the frame is aligned to 16 bytes
  EXPECT_TRAP_AFTER(0x21, 0, int 0x21)
  mov rax, ds:[TRAP_HANDLER_RSP]
  and eax, 15
  CHECK_EQ(rax, 8)
  mov rax, ds:[TRAP_RSP]
  sub rax, rbp
  CHECK_EQ(rax, -5)
  mov rsp, rbp
  EXPECT_TRAP(GP, 0x7f * 8 + 2, int 0x7f)              // an empty gate
  mov byte ptr ds:[IDT + 16 * 0x23 + 5], 0x0e          // a gate that is not present
  EXPECT_TRAP(NP, 0x23 * 8 + 2, int 0x23)
  mov word ptr ds:[IDT + 16 * 0x24 + 2], KERNEL_DATA   // a gate into data
  EXPECT_TRAP(GP, KERNEL_DATA, int 0x24)
  mov word ptr ds:[IDT + 16 * 0x24 + 2], 0
  EXPECT_TRAP(GP, 0, int 0x24)
  EXPECT_USER_TRAP(GP, 0x21 * 8 + 2, user_int)         // DPL 0 is not for ring 3
  EXPECT_USER_TRAP(GP, 0x3 * 8 + 2, user_int3)
  SET_GATE(3, trap_stubs + 16 * 3, 3, 0)
  EXPECT_USER_TRAP(BP, 0, user_int3)
  pass
  define_traps
  user_code_begins
user_int:
  int 0x21
user_int3:
  int3
