// Debug registers: values read back, fixed bits, DR4/DR5, upper halves that must be clear.
#include "long.inc"
  install_traps
  mov rax, 0x1122334455667788
  mov dr2, rax
  mov rbx, dr2
  CHECK_EQ(rbx, 0x1122334455667788)
  xor eax, eax
  mov dr7, rax
  mov rbx, dr7
  CHECK_EQ(rbx, 0x400)
  mov dr6, rax
  mov rbx, dr6
  and ebx, 0xfffe0ff0           // bit 16 is RTM's
  CHECK_EQ(rbx, 0xfffe0ff0)
  mov rbx, dr4                  // without CR4.DE the same registers
  and ebx, 0xfffe0ff0
  CHECK_EQ(rbx, 0xfffe0ff0)
  mov rax, cr4
  or eax, 8
  mov cr4, rax
  EXPECT_TRAP(UD, 0, mov rbx, dr4)
  EXPECT_TRAP(UD, 0, mov dr5, rbx)
  mov rax, 0x100000000
  EXPECT_TRAP(GP, 0, mov dr7, rax)
  EXPECT_TRAP(GP, 0, mov dr6, rax)
  pass
  define_traps
