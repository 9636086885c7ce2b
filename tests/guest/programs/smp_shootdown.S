// A processor that changes a mapping and asks another to invalidate it: the other then sees the new page.
// vcpus: 2
#include "long.inc"
#define ROUNDS 300
  movabs rbx, WINDOW
  mov qword ptr ds:[0x300000], 0
  mov qword ptr ds:[0x301000], 1
  mov qword ptr ds:[WINDOW_PT], 0x300000 | P | RW
  mov eax, offset second
  out PORT_START, eax
  xor ecx, ecx
1:
  mov eax, ecx
  not eax
  and eax, 1
  shl eax, 12
  or eax, 0x300000 | P | RW
  mov ds:[WINDOW_PT], rax
  inc ecx
  mov ds:[DATA], rcx                    // round number: please invalidate
2:
  pause
  cmp ds:[DATA + 0x40], rcx
  jne 2b
  mov rax, ds:[DATA + 0x48]
  mov edx, ecx
  and edx, 1
  cmp rax, rdx
  je 3f
  FAIL
3:
  cmp ecx, ROUNDS
  jb 1b
  pass
second:
  movabs rbx, WINDOW
  xor ecx, ecx
4:
  mov rax, [rbx]
  pause
  cmp ds:[DATA], rcx
  je 4b
  mov rcx, ds:[DATA]
  invlpg [rbx]
  mov rax, [rbx]
  mov ds:[DATA + 0x48], rax
  mov ds:[DATA + 0x40], rcx
  jmp 4b
