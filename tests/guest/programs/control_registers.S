// Reserved bits and forbidden combinations of CR0, CR3, CR4, CR8; reads; smsw and lmsw.
#include "long.inc"
  install_traps
  mov rbx, cr0
  CHECK_EQ(rbx, 0x80010033)
  mov rax, rbx
  btr rax, 0
  EXPECT_TRAP(GP, 0, mov cr0, rax)      // paging without protection
  mov rax, rbx
  btr rax, 31
  EXPECT_TRAP(GP, 0, mov cr0, rax)      // no way out of 64-bit code
  mov rax, rbx
  bts rax, 29
  EXPECT_TRAP(GP, 0, mov cr0, rax)      // NW without CD
  mov rbx, cr4
  mov rax, rbx
  btr rax, 5
  EXPECT_TRAP(GP, 0, mov cr4, rax)      // PAE cannot go in long mode
  mov rax, rbx
  bts rax, 30
  EXPECT_TRAP(GP, 0, mov cr4, rax)
  mov rax, rbx
  bts rax, 13
  EXPECT_TRAP(GP, 0, mov cr4, rax)      // VMXE, not offered
  mov rax, cr4
  cmp rax, rbx
  je 1f
  FAIL
1:
  mov rax, cr3
  CHECK_EQ(rax, PML4)
  mov rax, 0x0010000000004000
  EXPECT_TRAP(GP, 0, mov cr3, rax)
  mov eax, 5
  mov cr8, rax
  mov rbx, cr8
  CHECK_EQ(rbx, 5)
  mov eax, 0x10
  EXPECT_TRAP(GP, 0, mov cr8, rax)
  xor eax, eax
  mov cr8, rax
  EXPECT_TRAP(UD, 0, .byte 0x0f, 0x20, 0xc8)    // mov rax, cr1
  EXPECT_TRAP(UD, 0, .byte 0x0f, 0x20, 0xe8)    // mov rax, cr5
  xor eax, eax
  smsw ax
  CHECK_EQ(rax, 0x33)
  mov ax, 0x3a                          // lmsw sets TS and cannot clear PE
  lmsw ax
  mov rax, cr0
  and eax, 0xf
  CHECK_EQ(rax, 0xb)
  clts
  mov rax, 0x1122334455667788
  mov cr2, rax
  mov rbx, cr2
  CHECK_EQ(rbx, 0x1122334455667788)
  pass
  define_traps
