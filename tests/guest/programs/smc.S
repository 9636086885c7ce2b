// Self-modifying code: the next instruction, later in the block, a loop, another page, through another mapping.
#include "long.inc"
  mov byte ptr [rip + next + 1], 0x22   // changes the instruction that follows
next:
  mov eax, 0x11
  CHECK_EQ(rax, 0x22)
  mov byte ptr [rip + later + 1], 0x33
  nop
  nop
  nop
later:
  mov eax, 0x11
  CHECK_EQ(rax, 0x33)
  xor ebx, ebx
  mov ecx, 50                           // a loop that changes itself every time round
again:
  inc byte ptr [rip + counted + 1]
counted:
  mov eax, 0
  add ebx, eax
  dec ecx
  jnz again
  CHECK_EQ(rbx, 1275)
  mov dword ptr ds:[0x280000], 0x0001b8 // mov eax, 1; ret
  mov word ptr ds:[0x280004], 0xc300
  mov edi, 0x280000
  call rdi
  CHECK_EQ(rax, 1)
  call rdi
  mov byte ptr ds:[0x280001], 2
  call rdi
  CHECK_EQ(rax, 2)
  mov qword ptr ds:[WINDOW_PT], 0x280000 | P | RW
  movabs rsi, WINDOW
  mov byte ptr [rsi + 1], 3             // the same bytes at another address
  call rdi
  CHECK_EQ(rax, 3)
  call rsi
  CHECK_EQ(rax, 3)
  mov byte ptr ds:[0x280001], 4
  call rsi
  CHECK_EQ(rax, 4)
  mov esi, offset copied                // copied over code that ran
  mov ecx, copied_end - copied
  mov edx, edi
  rep movsb
  call rdx
  CHECK_EQ(rax, 0x55)
  lock xadd [edx + 1], eax              // and by a locked instruction
  call rdx
  CHECK_EQ(rax, 0xaa)
  pass
copied:
  mov eax, 0x55
  ret
copied_end:
