// Two processors add to the same memory: lock add, xadd, cmpxchg, inc, bts and xchg lose nothing.
// vcpus: 2
// memory: 0x200000 = 80 38 01 00
#include "long.inc"
#define ROUNDS 20000
  mov eax, offset second
  out PORT_START, eax
  call work
1:
  pause
  cmp dword ptr ds:[DATA + 0x100], 1
  jne 1b
  CHECK_EQ([DATA + 0x40], 2 * ROUNDS)
  CHECK_EQ([DATA + 0x80], 2 * ROUNDS)
  CHECK_EQ([DATA + 0x180], 0)
  CHECK_EQ([DATA + 0x1c0], 2 * ROUNDS)
  pass
second:
  call work
  mov dword ptr ds:[DATA + 0x100], 1
2:
  pause
  jmp 2b
work:
  mov ecx, ROUNDS
3:
  lock add dword ptr ds:[DATA], 1
  mov eax, 1
  lock xadd ds:[DATA + 0x40], rax
4:
  mov rax, ds:[DATA + 0x80]
  lea rbx, [rax + 1]
  lock cmpxchg ds:[DATA + 0x80], rbx
  jne 4b
  lock inc dword ptr ds:[DATA]
  mov eax, 1
5:
  xchg eax, ds:[DATA + 0x180]           // a spin lock around an ordinary counter
  test eax, eax
  jz 6f
  pause
  jmp 5b
6:
  inc qword ptr ds:[DATA + 0x1c0]
  mov dword ptr ds:[DATA + 0x180], 0
  dec ecx
  jnz 3b
  ret
