// With EFER.NXE clear, bit 63 of a page-table entry is reserved.
#include "long.inc"
  install_traps
  mov rax, 0x8000000000300000 | P | RW
  mov ds:[WINDOW_PT], rax
  movabs rbx, WINDOW
  mov rax, [rbx]
  mov ecx, 0xc0000080
  rdmsr
  btr eax, 11
  wrmsr
  invlpg [rbx]
  EXPECT_TRAP(PF, 9, mov rax, [rbx])
  rdmsr
  bts eax, 11
  wrmsr
  invlpg [rbx]
  mov rax, [rbx]
  pass
  define_traps
