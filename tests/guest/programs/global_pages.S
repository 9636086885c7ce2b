// Global translations outlive a CR3 write; invlpg, and toggling CR4.PGE, end them.
// needs: pge
#include "long.inc"
  mov rbx, WINDOW
  mov qword ptr ds:[0x300000], 0x11
  mov qword ptr ds:[0x301000], 0x22
  mov qword ptr ds:[WINDOW_PT], 0x300000 | P | RW
  CHECK_EQ([rbx], 0x11)
  mov qword ptr ds:[WINDOW_PT], 0x301000 | P | RW
  invlpg [rbx]
  CHECK_EQ([rbx], 0x22)
  mov qword ptr ds:[WINDOW_PT], 0x300000 | P | RW | GLOBAL
  mov rax, cr3
  mov cr3, rax                  // a translation that is not global is gone
  CHECK_EQ([rbx], 0x11)
  mov qword ptr ds:[WINDOW_PT], 0x301000 | P | RW | GLOBAL
  invlpg [rbx + 0xfff]          // any address of the page
  CHECK_EQ([rbx], 0x22)
  mov qword ptr ds:[WINDOW_PT], 0x300000 | P | RW | GLOBAL
  mov rax, cr4
  btc rax, 7
  mov cr4, rax
  CHECK_EQ([rbx], 0x11)
  bts rax, 7
  mov cr4, rax
  mov qword ptr ds:[WINDOW_PD + 8], 0x200000 | P | RW | LARGE
  mov rbx, WINDOW + 0x300000
  CHECK_EQ([rbx], 0x11)
  mov qword ptr ds:[WINDOW_PD + 8], 0x400000 | P | RW | LARGE
  mov rbx, WINDOW + 0x2ff000    // invlpg of one part of a large page ends all of it
  invlpg [rbx]
  mov qword ptr ds:[0x500000], 0x33
  mov rbx, WINDOW + 0x300000
  CHECK_EQ([rbx], 0x33)
  pass
