// The same linear address runs other code after its page table entry changed and was invalidated, or CR3 changed.
#include "long.inc"
  mov rax, 0xc300000001b8               // mov eax, 1; ret
  mov ds:[0x280000], rax
  mov rax, 0xc300000002b8               // mov eax, 2; ret
  mov ds:[0x290000], rax
  movabs rdi, WINDOW
  mov ecx, 20
again:
  mov qword ptr ds:[WINDOW_PT], 0x280000 | P | RW
  invlpg [rdi]
  call rdi
  CHECK_EQ(rax, 1)
  mov qword ptr ds:[WINDOW_PT], 0x290000 | P | RW
  invlpg [rdi]
  call rdi
  CHECK_EQ(rax, 2)
  dec ecx
  jnz again
  mov esi, PML4                         // a second set of tables that maps the window's page to the first code
  mov edi, 0x2b0000
  mov ecx, 512
  rep movsq
  mov qword ptr ds:[0x2b0008], 0x2b1000 | P | RW
  mov qword ptr ds:[0x2b1000], 0x2b2000 | P | RW
  mov qword ptr ds:[0x2b2000], 0x2b3000 | P | RW
  mov qword ptr ds:[0x2b3000], 0x280000 | P | RW
  movabs rdi, WINDOW
  mov ecx, 20
1:
  mov eax, 0x2b0000
  mov cr3, rax
  call rdi
  CHECK_EQ(rax, 1)
  mov eax, PML4
  mov cr3, rax
  call rdi
  CHECK_EQ(rax, 2)
  dec ecx
  jnz 1b
  pass
