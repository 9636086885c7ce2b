// movs, stos, lods, scas and cmps: overlap, direction, pages, counts, 32-bit addresses, flags.
#include "long.inc"
  mov rax, 0x0807060504030201
  mov ds:[DATA], rax
  mov esi, DATA
  mov edi, DATA + 1
  mov ecx, 7
  rep movsb                             // overlapping upwards repeats the first byte
  CHECK_EQ([DATA], 0x0101010101010101)
  mov ds:[DATA], rax
  mov esi, DATA + 6
  mov edi, DATA + 7
  mov ecx, 7
  std
  rep movsb                             // downwards it moves them
  cld
  CHECK_EQ([DATA], 0x0706050403020101)
  CHECK_EQ(rsi, DATA - 1)
  mov ds:[DATA], rax
  mov qword ptr ds:[DATA + 8], 0
  mov esi, DATA
  mov edi, DATA + 4
  mov ecx, 3
  rep movsd                             // four bytes apart, four at a time: the pattern repeats
  CHECK_EQ([DATA + 8], 0x0403020104030201)
  mov edi, 0x220ff0
  mov rax, 0x1234
  mov ecx, 1024
  rep stosq                             // across three pages
  CHECK_EQ([0x220ff0], 0x1234)
  CHECK_EQ([0x222fe8], 0x1234)
  CHECK_EQ([0x222ff0], 0)
  mov esi, 0x220ff0
  mov edi, 0x230ff8
  mov ecx, 1024
  rep movsq
  CHECK_EQ([0x232ff0], 0x1234)
  CHECK_EQ([0x232ff8], 0)
  CHECK_EQ(rsi, 0x222ff0)
  mov byte ptr ds:[DATA + 0x20], 9
  mov al, 9
  mov edi, DATA
  mov ecx, 0x100
  repne scasb
  CHECK_FLAGS(ZF, ZF)
  CHECK_EQ(rdi, DATA + 0x21)
  CHECK_EQ(rcx, 0xdf)
  mov esi, 0x220ff0
  mov edi, 0x230ff8
  mov ecx, 2000
  repe cmpsq
  CHECK_FLAGS(ZF, ZF)
  mov byte ptr ds:[0x231000], 0x33
  mov esi, 0x220ff0
  mov edi, 0x230ff8
  mov ecx, 1024
  repe cmpsb
  CHECK_FLAGS(ZF | CF, 0)               // source 0x34 is above destination 0x33
  CHECK_EQ(rsi, 0x220ff9)
  mov esi, 0x220ff0
  lodsw
  CHECK_EQ(rax, 0x1234)
  mov rsi, 0xffffffff00220ff0
  mov rdi, 0xffffffff00240000
  mov rcx, 0xffffffff00000002
  rep movs qword ptr es:[edi], qword ptr ds:[esi]       // 32-bit addresses and count
  CHECK_EQ(rcx, 0)
  CHECK_EQ(rsi, 0x221000)
  CHECK_EQ([0x240008], 0x1234)
  mov rcx, 0
  mov rdi, -1
  rep stosb                             // touches nothing
  CHECK_EQ(rdi, -1)
  pass
