// Immediates that change again and again, then other bytes of the same instructions, then all of it at once.
#include "long.inc"
#define FUNCTION 0x280000
  mov edi, FUNCTION
  mov dword ptr [rdi], 0x0000b841       // mov r8d, 0; mov rcx, 0; mov eax, 0; ret
  mov dword ptr [rdi + 4], 0xb9480000
  mov qword ptr [rdi + 8], 0
  mov byte ptr [rdi + 16], 0xb8
  mov dword ptr [rdi + 17], 0
  mov byte ptr [rdi + 21], 0xc3
  mov ebp, 100
  xor ebx, ebx
again:
  mov [rdi + 2], ebp                    // the three immediates
  mov rdx, rbp
  shl rdx, 33
  mov [rdi + 8], rdx
  mov [rdi + 17], ebp
  call rdi
  add rbx, rax
  cmp r8, rbp
  jne wrong
  cmp rcx, rdx
  jne wrong
  dec ebp
  jnz again
  CHECK_EQ(rbx, 5050)
  mov word ptr [rdi + 17], 0x1234       // part of one
  call rdi
  CHECK_EQ(rax, 0x1234)
  mov byte ptr [rdi + 1], 0xba          // the opcode before one: r10d instead of r8d
  mov r8d, 7
  call rdi
  CHECK_EQ(r8, 7)
  CHECK_EQ(r10, 1)
  mov dword ptr [rdi + 15], 0x0077bb55  // over the border of two instructions: mov ebx instead of eax
  mov word ptr [rdi + 19], 0x0102
  call rdi
  movabs rdx, 0x5500000200000000
  cmp rcx, rdx
  jne wrong
  CHECK_EQ(rbx, 0x1020077)
  mov qword ptr ds:[WINDOW_PT], FUNCTION | P | RW
  movabs rsi, WINDOW
  mov dword ptr [rsi + 17], 0x99        // an immediate at another address
  call rdi
  CHECK_EQ(rbx, 0x99)
  call rsi
  CHECK_EQ(rbx, 0x99)
  mov dword ptr [rdi + 17], 0x9a
  call rsi
  CHECK_EQ(rbx, 0x9a)
  movabs rax, 0x90909090909090c3          // other code there
  mov [rdi], rax
  mov ebx, 5
  call rdi
  CHECK_EQ(rbx, 5)
  pass
wrong:
  FAIL
