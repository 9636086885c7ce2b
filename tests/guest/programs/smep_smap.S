// SMEP forbids the supervisor to execute user pages, SMAP to touch them unless AC is set.
// needs: smep smap
#include "long.inc"
#include "user.inc"
  install_traps
  map_user_pages
  mov rax, cr4
  or eax, 0x300000
  mov cr4, rax
  mov rbx, USER_PAGE
  arm_trap 2f
  jmp rbx
2:
  CHECK_EQ([TRAP_VECTOR], PF)
  CHECK_EQ([TRAP_ERROR], 0x11)
  CHECK_EQ([TRAP_CR2], USER_PAGE)
  EXPECT_TRAP(PF, 1, mov rax, [rbx])
  EXPECT_TRAP(PF, 3, mov [rbx + 0x2000], rax)
  stac
  mov rax, [rbx]
  mov [rbx + 0x2000], rax
  clac
  EXPECT_TRAP(PF, 1, mov rax, [rbx])
  EXPECT_USER_TRAP(UD, 0, user_undefined)      // ring 3 itself is not hindered
  mov rax, cr4
  and eax, ~0x300000
  mov cr4, rax
  mov rax, [rbx]
  pass
  define_traps
  user_code_begins
user_undefined:
  ud2
