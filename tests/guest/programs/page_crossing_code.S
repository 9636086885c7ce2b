// Instructions across page borders: mapped apart, remapped, and with the second page absent.
#include "long.inc"
  install_traps
  mov qword ptr ds:[WINDOW_PT], 0x280000 | P | RW
  mov qword ptr ds:[WINDOW_PT + 8], 0x290000 | P | RW   // not the physical neighbour
  movabs rdi, WINDOW + 0xffd
  mov word ptr ds:[0x280ffd], 0xb848                    // movabs rax, 0x1122334455667788; ret
  mov byte ptr ds:[0x280fff], 0x88
  mov rax, 0xc311223344556677
  mov ds:[0x290000], rax
  call rdi
  CHECK_EQ(rax, 0x1122334455667788)
  mov rax, 0xc399223344556677
  mov ds:[0x2a0000], rax
  mov qword ptr ds:[WINDOW_PT + 8], 0x2a0000 | P | RW   // another second page
  invlpg [rdi + 3]
  call rdi
  CHECK_EQ(rax, 0x9922334455667788)
  mov byte ptr ds:[0x2a0006], 0x77                      // a write to the second page only
  call rdi
  CHECK_EQ(rax, 0x7722334455667788)
  mov qword ptr ds:[WINDOW_PT + 8], 0
  invlpg [rdi + 3]
  arm_trap 1f
  call rdi
1:
  CHECK_EQ([TRAP_VECTOR], PF)
  CHECK_EQ([TRAP_RIP], WINDOW + 0xffd)                  // the instruction that cannot be fetched
  CHECK_EQ([TRAP_CR2], WINDOW + 0x1000)                 // the page that is missing
  mov rax, [TRAP_ERROR]
  and eax, ~0x10
  CHECK_EQ(rax, 0)
  mov byte ptr ds:[0x280ffe], 0xc3                      // falls through into the missing page, or returns before
  mov byte ptr ds:[0x280ffd], 0x90
  call rdi
  mov byte ptr ds:[0x280ffe], 0x90
  mov byte ptr ds:[0x280fff], 0x90
  arm_trap 1f
  call rdi
1:
  CHECK_EQ([TRAP_VECTOR], PF)
  CHECK_EQ([TRAP_RIP], WINDOW + 0x1000)
  pass
  define_traps
