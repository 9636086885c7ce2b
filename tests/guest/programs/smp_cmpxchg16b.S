// Two processors change 16 bytes at once: both halves always belong together.
// vcpus: 2
// needs: cx16
// skip: kvm-software its instruction emulator has no cmpxchg16b
#include "long.inc"
#define ROUNDS 10000
  mov eax, offset second
  out PORT_START, eax
  call work
1:
  pause
  cmp dword ptr ds:[DATA + 0x100], 1
  jne 1b
  CHECK_EQ([DATA], 2 * ROUNDS)
  CHECK_EQ([DATA + 8], 4 * ROUNDS)
  pass
second:
  call work
  mov dword ptr ds:[DATA + 0x100], 1
  hlt
work:
  mov esi, ROUNDS
  xor eax, eax
  xor edx, edx
2:
  lea rbx, [rax + 1]
  lea rcx, [rdx + 2]
  lock cmpxchg16b ds:[DATA]
  jne 2b
  lea rdi, [rax + rax]
  cmp rdi, rdx
  je 3f
  FAIL
3:
  dec esi
  jnz 2b
  ret
