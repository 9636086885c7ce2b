// Ring 3 reaches the ports that the TSS's bitmap allows, for all bytes of an access, within the TSS's limit.
#include "long.inc"
#include "user.inc"
  install_traps
  map_user_pages
  mov word ptr ds:[TSS + 0x66], 0x68    // the bitmap begins at 0x68
  mov edi, TSS + 0x68
  mov ecx, 0x100
  mov al, -1
  rep stosb
  mov byte ptr ds:[TSS + 0x68 + 0x500 / 8], 0xf0        // ports 0x500 to 0x503
  mov word ptr ds:[GDT + TSS_SELECTOR], 0x68 + 0x100
  mov byte ptr ds:[GDT + TSS_SELECTOR + 5], 0x89
  mov eax, TSS_SELECTOR
  ltr ax
  EXPECT_USER_TRAP(UD, 0, user_allowed)
  CHECK_EQ(rax, 0x12345678)
  EXPECT_USER_TRAP(GP, 0, user_across)
  EXPECT_USER_TRAP(GP, 0, user_other)
  EXPECT_USER_TRAP(GP, 0, user_beyond)
  pass
  define_traps
  user_code_begins
user_allowed:
  mov edx, PORT_QUEUE
  mov eax, 0x12345678
  out dx, eax
  xor eax, eax
  in eax, dx
  ud2
user_across:
  mov edx, PORT_QUEUE + 1
  out dx, eax
user_other:
  mov edx, PORT_QUEUE + 4
  in al, dx
user_beyond:
  mov edx, 0xffff
  in al, dx
