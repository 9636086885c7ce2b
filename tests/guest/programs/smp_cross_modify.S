// One processor rewrites code that another runs; after a serializing instruction the other runs the new code.
// vcpus: 2
#include "long.inc"
#define ROUNDS 200
  mov rax, 0xc300000000b8               // mov eax, 0; ret
  mov ds:[0x280000], rax
  mov eax, offset second
  out PORT_START, eax
  xor ebp, ebp
1:
  inc ebp
  mov ds:[0x280001], ebp
  mov ds:[DATA], ebp
2:
  pause
  cmp ds:[DATA + 0x40], ebp
  jne 2b
  mov eax, ds:[DATA + 0x80]
  cmp eax, ebp
  je 3f
  FAIL
3:
  cmp ebp, ROUNDS
  jb 1b
  pass
second:
  mov edi, 0x280000
  xor ebp, ebp
4:
  call rdi
  cmp ds:[DATA], ebp
  je 4b
  mov ebp, ds:[DATA]
  xor eax, eax
  cpuid
  call rdi
  mov ds:[DATA + 0x80], eax
  mov ds:[DATA + 0x40], ebp
  jmp 4b
