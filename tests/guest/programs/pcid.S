// Process-context identifiers: CR3 bit 63 keeps translations, reserved uses fault, CR3 bits 11:0 read back.
// needs: pcid
#include "long.inc"
  install_traps
  mov rax, cr4
  bts rax, 17
  mov cr4, rax
  mov rax, PML4 | 5
  mov cr3, rax
  mov rcx, cr3
  CHECK_EQ(rcx, PML4 | 5)
  mov rbx, WINDOW
  mov qword ptr ds:[0x300000], 0x11
  mov qword ptr ds:[0x301000], 0x22
  mov qword ptr ds:[WINDOW_PT], 0x300000 | P | RW
  CHECK_EQ([rbx], 0x11)
  mov qword ptr ds:[WINDOW_PT], 0x301000 | P | RW
  mov rax, PML4 | 5             // without bit 63: flushed
  mov cr3, rax
  CHECK_EQ([rbx], 0x22)
  mov rax, 0x8000000000000000 | PML4 | 6
  mov cr3, rax
  mov rcx, cr3                  // bit 63 is not stored
  CHECK_EQ(rcx, PML4 | 6)
  mov rax, cr4                  // PCIDE cannot be set while CR3 11:0 are not zero
  btr rax, 17
  mov cr4, rax
  bts rax, 17
  EXPECT_TRAP(GP, 0, mov cr4, rax)
  pass
  define_traps
