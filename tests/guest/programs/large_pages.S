// A 1 GiB page maps all of its addresses, with accessed and dirty bits of its own; reserved bits in it fault.
// needs: pdpe1gb
#include "long.inc"
  install_traps
  mov qword ptr ds:[WINDOW_PDPT + 8], P | RW | LARGE
  movabs rbx, WINDOW + 0x40000000
  mov qword ptr ds:[DATA], 0x1234
  CHECK_EQ([rbx + DATA], 0x1234)
  CHECK_EQ([WINDOW_PDPT + 8], P | RW | LARGE | ACCESSED)
  mov qword ptr [rbx + DATA + 8], 0x55
  CHECK_EQ([DATA + 8], 0x55)
  CHECK_EQ([WINDOW_PDPT + 8], P | RW | LARGE | ACCESSED | DIRTY)
  mov qword ptr ds:[WINDOW_PDPT + 8], 0x20000000 | P | RW | LARGE
  invlpg [rbx]
  EXPECT_TRAP(PF, 9, mov rax, [rbx])    // address bits below 1 GiB
  mov qword ptr ds:[WINDOW_PD + 8], 0x2000 | P | RW | LARGE
  movabs rbx, WINDOW + 0x200000
  EXPECT_TRAP(PF, 9, mov rax, [rbx])    // and below 2 MiB
  pass
  define_traps
