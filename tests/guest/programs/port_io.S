// in, out, ins and outs in all widths, repeated, in both directions, into and out of memory.
// serial: hello
#include "long.inc"
  mov dx, PORT_QUEUE
  mov eax, 0x44332211
  out dx, al
  out dx, ax
  out dx, eax
  mov rax, -1
  in al, dx
  CHECK_EQ(rax, 0xffffffffffffff11)     // al leaves the rest alone
  in ax, dx
  CHECK_EQ(rax, 0xffffffffffff2211)
  in eax, dx
  CHECK_EQ(rax, 0x44332211)             // eax clears the upper half
  in eax, dx
  CHECK_EQ(rax, 0xffffffff)             // the queue is empty
  mov esi, offset text
  mov ecx, 5
  mov dx, PORT_SERIAL
  rep outsb
  CHECK_EQ(rcx, 0)
  CHECK_EQ(rsi, offset text + 5)
  mov dx, PORT_QUEUE
  mov esi, offset numbers
  mov ecx, 3
  rep outsd
  mov edi, DATA
  mov ecx, 3
  rep insd
  CHECK_EQ(rdi, DATA + 12)
  CHECK_EQ([DATA], 0x200000001)
  mov esi, offset numbers + 8
  mov ecx, 3
  std
  rep outsd                             // downwards
  cld
  CHECK_EQ(rsi, offset numbers - 4)
  mov edi, DATA + 0xffe                 // across a page
  mov ecx, 3
  rep insd
  CHECK_EQ([DATA + 0xffe], 0x200000003)
  outsw
  insw
  xor ecx, ecx
  rep insb                              // nothing
  CHECK_EQ(rdi, DATA + 0xffe + 14)
  pass
text: .ascii "hello"
numbers: .long 1, 2, 3, 4
