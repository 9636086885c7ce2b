// Repeated string instructions over pages with code: new code runs at once, code beside the stores stays; elements
// that cross pages, counts of zero, and flags that live over the instruction.
#include "long.inc"
#define CODE_PAGE 0x310000
  install_traps
  mov dword ptr ds:[CODE_PAGE - 8], 0
  mov ebx, 100                          // often enough for every path to have been taken
again:
  mov esi, offset one
  mov edi, CODE_PAGE + 0x800
  mov ecx, 6
  rep movsb
  mov edx, CODE_PAGE + 0x800
  call rdx
  CHECK_EQ(rax, 1)
  mov edi, CODE_PAGE + 0x900            // data in the code's page
  mov ecx, 16
  mov eax, ebx
  rep stosq
  call rdx
  CHECK_EQ(rax, 1)
  CHECK_EQ([CODE_PAGE + 0x980], 0)
  mov esi, offset two
  mov edi, CODE_PAGE + 0x800
  mov ecx, 6
  rep movsb
  call rdx
  CHECK_EQ(rax, 2)
  mov rax, 0xc300000003b8               // mov eax, 3; ret, over all of both pages' ends
  mov edi, CODE_PAGE - 16
  mov ecx, (0x800 + 16) / 8 + 1
  rep stosq
  call rdx
  CHECK_EQ(rax, 3)
  CHECK_EQ(rdi, CODE_PAGE + 0x808)
  CHECK_EQ([CODE_PAGE - 16], 0xc300000003b8)
  mov edi, CODE_PAGE + 0x1000 - 4       // elements across the end of the page, in a run of others
  mov ecx, 3
  sub edi, 8
  mov rax, 0x1122334455667788
  stc
  rep stosq
  CHECK_FLAGS(CF, CF)
  CHECK_EQ(rax, 0x1122334455667788)
  CHECK_EQ([CODE_PAGE + 0x1000 - 4], 0x1122334455667788)
  CHECK_EQ([CODE_PAGE + 0x1000 + 4], 0x1122334455667788)
  CHECK_EQ(rdi, CODE_PAGE + 0x100c)
  mov al, 0x7f
  add al, 1                             // OF, SF and AF
  mov ecx, 0
  mov rsi, -1
  rep movsb
  CHECK_FLAGS(ARITHMETIC, OVERFLOW | SF | AF)
  CHECK_EQ(rsi, -1)
  mov al, 0x7f
  add al, 1
  mov esi, CODE_PAGE + 0xffa
  mov edi, DATA + 0xffd
  mov ecx, 0x2003
  rep movsb
  CHECK_FLAGS(ARITHMETIC, OVERFLOW | SF | AF)
  CHECK_EQ(rdi, DATA + 0x3000)
  CHECK_EQ(rsi, CODE_PAGE + 0x2ffd)
  CHECK_EQ([DATA + 0xfff], 0x1122334455667788)
  dec ebx
  jnz again
  pass
one:
  mov eax, 1
  ret
two:
  mov eax, 2
  ret
  define_traps
