// sgdt, sidt, str, sldt, lldt and ltr: what they store, what they refuse, and the busy bit.
#include "long.inc"
  install_traps
  sgdt ds:[DATA]
  movzx eax, word ptr ds:[DATA]
  CHECK_EQ(rax, 0x7f)
  CHECK_EQ([DATA + 2], GDT)
  sidt ds:[DATA]
  CHECK_EQ([DATA + 2], IDT)
  str ax
  CHECK_EQ(rax, TSS_SELECTOR)
  mov rax, -1
  sldt ax
  CHECK_EQ(rax, 0xffffffffffff0000)
  xor eax, eax
  lldt ax
  mov ax, KERNEL_DATA
  EXPECT_TRAP(GP, KERNEL_DATA, lldt ax)
  EXPECT_TRAP(GP, KERNEL_DATA, ltr ax)
  mov byte ptr ds:[GDT + TSS_SELECTOR + 5], 0x89        // available again
  mov ax, TSS_SELECTOR
  ltr ax
  mov al, ds:[GDT + TSS_SELECTOR + 5]
  and eax, 0xff
  CHECK_EQ(rax, 0x8b)                                   // busy
  mov ax, TSS_SELECTOR
  EXPECT_TRAP(GP, TSS_SELECTOR, ltr ax)
  pass
  define_traps
