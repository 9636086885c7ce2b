// Jumps into other pages, and to targets with equal low bits: remapped, rewritten, and at the same time.
#include "long.inc"
#define FIRST 0x280000
#define SECOND 0x290000
#define CALLER 0x2a0000
#define CALLER_LINEAR WINDOW + 0x1000
#define ALIKE_LINEAR WINDOW + 0x10000
  mov rax, 0xc300000001b8               // mov eax, 1; ret
  mov ds:[FIRST], rax
  mov rax, 0xc300000002b8               // mov eax, 2; ret
  mov ds:[SECOND], rax
  mov rax, 0xc3ffffeffbe8               // call to the page before; ret
  mov ds:[CALLER], rax
  mov rax, 0xffffefebe9                 // jmp to the page before
  mov ds:[CALLER + 0x10], rax
  mov rax, 0xffffefd8840fc031           // xor eax, eax; jz to the page before
  mov ds:[CALLER + 0x20], rax
  movabs rdi, WINDOW
  mov qword ptr ds:[WINDOW_PT + 8], CALLER | P | RW
  mov ecx, 20
remapped:                               // the jumps stay, the page that they go to changes
  mov qword ptr ds:[WINDOW_PT], FIRST | P | RW
  invlpg [rdi]
  call all_jumps
  CHECK_EQ(rbx, 0x010101)
  mov qword ptr ds:[WINDOW_PT], SECOND | P | RW
  mov rax, cr3
  mov cr3, rax
  call all_jumps
  CHECK_EQ(rbx, 0x020202)
  dec ecx
  jnz remapped
  mov ecx, 20
rewritten:                              // the code that they go to changes
  mov byte ptr ds:[SECOND + 1], 3
  call all_jumps
  CHECK_EQ(rbx, 0x030303)
  mov byte ptr ds:[SECOND + 1], 4
  call all_jumps
  CHECK_EQ(rbx, 0x040404)
  dec ecx
  jnz rewritten
  mov qword ptr ds:[WINDOW_PT + 8 * 0x10], FIRST | P | RW
  mov qword ptr ds:[WINDOW_PT + 8 * 0x20], SECOND | P | RW
  movabs rsi, ALIKE_LINEAR
  movabs rdx, ALIKE_LINEAR + 0x10000
  mov ecx, 20
alike:                                  // from one jump in turn to addresses 64 KiB apart
  mov rdi, rsi
  call jump_to_rdi
  CHECK_EQ(rax, 1)
  mov rdi, rdx
  call jump_to_rdi
  CHECK_EQ(rax, 4)
  stc
  mov rdi, rsi
  call jump_to_rdi                      // registers and flags arrive
  jnc wrong
  CHECK_EQ(rdx, ALIKE_LINEAR + 0x10000)
  dec ecx
  jnz alike
  mov ecx, 10
kept:
  mov r11, rcx
  mov rax, rsi
  call rax
  cmp r11, rcx
  jne wrong
  mov r11, rsi
  call r11
  CHECK_EQ(rax, 1)
  push rcx
  mov rcx, rdx
  call rcx
  CHECK_EQ(rcx, ALIKE_LINEAR + 0x10000)
  CHECK_EQ(rax, 4)
  pop rcx
  dec ecx
  jnz kept
  pass
wrong:
  fail __LINE__

jump_to_rdi:
  jmp rdi

// rbx = what a call, a jump and a conditional jump from one page to the one before return, a byte each.
all_jumps:
  push rdi
  movabs rdi, CALLER_LINEAR
  call rdi
  mov ebx, eax
  add rdi, 0x10
  call rdi
  shl ebx, 8
  or ebx, eax
  add rdi, 0x10
  call rdi
  shl ebx, 8
  or ebx, eax
  pop rdi
  ret
