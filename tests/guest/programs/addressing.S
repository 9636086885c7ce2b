// Every form of memory operand computes its address as encoded, in 64 and 32 bits and relative to RIP.
#include "long.inc"
  mov qword ptr ds:[DATA], 0x1111
  mov qword ptr ds:[DATA + 8], 0x2222
  mov qword ptr ds:[DATA + 0x48], 0x3333
  mov rbx, DATA
  mov rcx, 2
  mov rsi, -1
  CHECK_EQ([rbx], 0x1111)
  CHECK_EQ([rbx + 8], 0x2222)
  CHECK_EQ([rbx + rcx * 4], 0x2222)
  CHECK_EQ([rbx + rcx * 4 + 0x40], 0x3333)
  CHECK_EQ([rbx + rsi * 8 + 0x50], 0x3333)
  mov r12, DATA
  mov r13, DATA + 8
  CHECK_EQ([r12], 0x1111)
  CHECK_EQ([r13], 0x2222)
  CHECK_EQ([r12 + rcx * 4], 0x2222)
  CHECK_EQ([r13 - 8], 0x1111)
  mov rbp, DATA
  CHECK_EQ([rbp], 0x1111)
  CHECK_EQ([rbp + rcx * 4], 0x2222)
  push rbp
  CHECK_EQ([rsp], DATA)
  CHECK_EQ([rsp + rcx * 4 - 8], DATA)
  pop rbp
  mov rbx, 0xffffffff00200000
  CHECK_EQ([ebx], 0x1111)               // a 32-bit address is cut to 32 bits
  CHECK_EQ([ebx + ecx * 4], 0x2222)
  mov rax, [rip + constant]
  CHECK_EQ(rax, 0x123456789abcdef0)
  lea rax, [rbp + rcx * 8 + 3]
  CHECK_EQ(rax, DATA + 19)
  lea ax, [rbp + 1]
  CHECK_EQ(rax, DATA + 1)
  movabs rax, ds:[DATA + 8]
  CHECK_EQ(rax, 0x2222)
  mov ecx, 0xc0000100                   // FS and GS add their bases
  mov eax, DATA
  xor edx, edx
  wrmsr
  mov eax, DATA + 0x40
  mov ecx, 0xc0000101
  wrmsr
  CHECK_EQ(fs:[8], 0x2222)
  CHECK_EQ(gs:[8], 0x3333)
  mov ecx, 8
  CHECK_EQ(gs:[rcx], 0x3333)
  mov byte ptr ds:[DATA + 0x105], 0x5a
  mov rbx, DATA + 0x100
  mov eax, 5
  xlatb
  CHECK_EQ(rax, 0x5a)
  mov eax, 0x12345678
  mov ds:[DATA + 0x200], ah             // high byte registers
  CHECK_EQ([DATA + 0x200], 0x56)
  mov ah, ds:[DATA + 0x105]
  CHECK_EQ(rax, 0x12345a78)
  pass
constant: .quad 0x123456789abcdef0
