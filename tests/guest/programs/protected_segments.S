// 32-bit protected mode: segment bases, limits, types and presence, with the error codes of their faults.
// start: protected
#include "protected.inc"
  install_traps
  mov ax, SMALL_DATA                    // base 0x200000, 16 bytes
  mov es, ax
  mov dword ptr es:[12], 0x1234
  mov eax, ds:[DATA + 12]
  CHECK_EQ(eax, 0x1234)
  EXPECT_TRAP(GP, 0, mov eax, es:[13])          // one byte too far
  EXPECT_TRAP(GP, 0, mov es:[16], al)
  EXPECT_TRAP(GP, 0, mov eax, es:[-1])
  mov al, es:[15]
  mov ax, READ_ONLY_DATA
  mov fs, ax
  mov eax, fs:[DATA + 12]
  EXPECT_TRAP(GP, 0, mov fs:[DATA], eax)
  mov ax, ABSENT_DATA
  EXPECT_TRAP(NP, ABSENT_DATA, mov gs, ax)
  mov ax, READ_ONLY_DATA
  EXPECT_TRAP(GP, READ_ONLY_DATA, mov ss, ax)   // a stack must be writable
  mov ax, 0x1000
  EXPECT_TRAP(GP, 0x1000, mov gs, ax)           // beyond the GDT
  xor eax, eax
  EXPECT_TRAP(GP, 0, mov ss, ax)
  mov gs, ax                                    // null is fine until used
  EXPECT_TRAP(GP, 0, mov eax, gs:[0])
  EXPECT_TRAP(GP, 0, mov cs:[DATA], eax)        // code is never writable
  mov eax, cs:[DATA + 12]
  CHECK_EQ(eax, 0x1234)
  mov byte ptr ds:[GDT + 0x70 + 5], 0x97        // 0x70: expand-down, valid above 0xfff, 64 KiB
  mov word ptr ds:[GDT + 0x70], 0xfff
  mov eax, 0x70
  mov gs, eax
  EXPECT_TRAP(GP, 0, mov al, gs:[0xfff])
  mov al, gs:[0x1000]
  EXPECT_TRAP(GP, 0, mov eax, gs:[0xfffd])
  mov al, ds:[GDT + SMALL_DATA + 5]
  and eax, 1
  CHECK_EQ(eax, 1)                              // loading a segment sets its accessed bit
  mov byte ptr ds:[GDT + 0x78 + 5], 0x92
  mov eax, 0x78
  mov gs, eax
  mov al, ds:[GDT + 0x78 + 5]
  and eax, 0xff
  CHECK_EQ(eax, 0x93)
  pass
  define_traps
