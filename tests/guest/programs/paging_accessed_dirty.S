// A read sets the accessed bit at every level, a write sets the dirty bit of the last, and nothing sets more.
#include "long.inc"
  mov rbx, WINDOW
  mov qword ptr ds:[WINDOW_PT], 0x300000 | P | RW
  mov rax, [rbx]
  CHECK_EQ([WINDOW_PT], 0x300000 | P | RW | ACCESSED)
  mov rax, [PML4 + 8]
  and eax, ACCESSED
  CHECK_EQ(rax, ACCESSED)
  mov rax, [WINDOW_PDPT]
  and eax, ACCESSED
  CHECK_EQ(rax, ACCESSED)
  mov rax, [WINDOW_PD]
  and eax, ACCESSED | DIRTY
  CHECK_EQ(rax, ACCESSED)
  mov [rbx], rax
  CHECK_EQ([WINDOW_PT], 0x300000 | P | RW | ACCESSED | DIRTY)
  and qword ptr ds:[WINDOW_PT], ~(ACCESSED | DIRTY)
  invlpg [rbx]
  lock add qword ptr [rbx], 0           // a read-modify-write is a write
  CHECK_EQ([WINDOW_PT], 0x300000 | P | RW | ACCESSED | DIRTY)
  mov qword ptr ds:[WINDOW_PD + 8], 0x400000 | P | RW | LARGE
  mov rbx, WINDOW + 0x200000
  mov rax, [rbx + 0x1234]
  CHECK_EQ([WINDOW_PD + 8], 0x400000 | P | RW | LARGE | ACCESSED)
  mov [rbx + 0x1ff000], rax
  CHECK_EQ([WINDOW_PD + 8], 0x400000 | P | RW | LARGE | ACCESSED | DIRTY)
  mov qword ptr ds:[0x4ffff8], 0x77
  mov rbx, WINDOW + 0x2ffff8
  CHECK_EQ([rbx], 0x77)
  pass
