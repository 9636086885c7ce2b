// Two address spaces that share a page of user code, but not the page behind it, run in turn: every way from the
// one page into the other.
#include "long.inc"
#include "user.inc"
#define OTHER_TABLES 0x2b0000
#define ALIAS (WINDOW + 0x110000)
#define SECOND_PAGE (USER_PAGE + 0x1000)

// Runs the user code, which must find the second page with this number. Clobbers all but rbp.
.macro run_with number
  mov r12d, \number
  call run
.endm

  install_traps
  map_user_pages
  mov esi, PML4
  mov edi, OTHER_TABLES
  mov ecx, 512
  rep movsq
  mov qword ptr ds:[OTHER_TABLES + 8], (OTHER_TABLES + 0x1000) | P | RW | US
  mov qword ptr ds:[OTHER_TABLES + 0x1000], (OTHER_TABLES + 0x2000) | P | RW | US
  mov qword ptr ds:[OTHER_TABLES + 0x2000], (OTHER_TABLES + 0x3000) | P | RW | US
  mov esi, WINDOW_PT
  mov edi, OTHER_TABLES + 0x3000
  mov ecx, 512
  rep movsq
  mov rax, ds:[WINDOW_PT + 8 * 0x101]
  mov ds:[OTHER_TABLES + 0x3000 + 8 * 0x111], rax       // the first's second page, elsewhere
  add rax, 0x1000
  mov ds:[OTHER_TABLES + 0x3000 + 8 * 0x101], rax

  mov ebp, 20                           // in turn
1:
  mov eax, PML4
  mov cr3, rax
  run_with 1
  mov eax, OTHER_TABLES
  mov cr3, rax
  run_with 2
  run_with 2
  mov eax, PML4                         // nothing lies where the lower bits of the address say
  mov cr3, rax
  movabs r13, SECOND_PAGE + (astray - user_begin - 0x1000)
  call run_at_r13
  CHECK_EQ(qword ptr ds:[TRAP_VECTOR], PF)
  CHECK_EQ(qword ptr ds:[TRAP_RIP], after_jump - user_begin)
  dec ebp
  jnz 1b

  mov ebp, 20                           // with the first's second page in use at another address
1:
  mov eax, PML4
  mov cr3, rax
  run_with 1
  mov eax, OTHER_TABLES
  mov cr3, rax
  movabs r13, ALIAS + 0x1000 + (only_second - user_begin - 0x1000)
  call run_at_r13
  CHECK_EQ(qword ptr ds:[TRAP_VECTOR], UD)
  run_with 2
  dec ebp
  jnz 1b

  mov eax, PML4                         // in one address space, by reloading CR3 and by invlpg
  mov cr3, rax
  mov ebp, 20
1:
  run_with 1
  add qword ptr ds:[WINDOW_PT + 8 * 0x101], 0x1000
  mov rax, cr3
  mov cr3, rax
  run_with 2
  sub qword ptr ds:[WINDOW_PT + 8 * 0x101], 0x1000
  movabs rax, SECOND_PAGE
  invlpg [rax]
  dec ebp
  jnz 1b

  mov ebp, 20                           // without a second page
1:
  mov eax, OTHER_TABLES
  mov cr3, rax
  run_with 2
  mov eax, PML4
  mov cr3, rax
  run_with 1
  mov qword ptr ds:[OTHER_TABLES + 0x3000 + 8 * 0x101], 0
  mov eax, OTHER_TABLES
  mov cr3, rax
  movabs r13, USER_PAGE + (probe - user_begin)
  call run_at_r13
  CHECK_EQ([TRAP_VECTOR], PF)
  CHECK_EQ([TRAP_RIP], SECOND_PAGE + (by_call - user_begin - 0x1000))
  movabs r13, USER_PAGE + (indirectly - user_begin)
  call run_at_r13
  CHECK_EQ([TRAP_VECTOR], PF)
  CHECK_EQ([TRAP_RIP], SECOND_PAGE + (by_jump - user_begin - 0x1000))
  movabs r13, USER_PAGE + (across - user_begin)
  call run_at_r13
  CHECK_EQ([TRAP_VECTOR], PF)
  CHECK_EQ([TRAP_RIP], USER_PAGE + (border - user_begin))
  mov rax, ds:[WINDOW_PT + 8 * 0x101]
  add rax, 0x1000
  mov ds:[OTHER_TABLES + 0x3000 + 8 * 0x101], rax
  dec ebp
  jnz 1b
  pass

run:
  movabs r13, USER_PAGE + (probe - user_begin)
  call run_at_r13
  CHECK_EQ(qword ptr ds:[TRAP_VECTOR], UD)
  cmp r8, r12
  jne wrong
  cmp r9, r12
  jne wrong
  shr r10, 56
  cmp r10, r12
  jne wrong
  ret
wrong:
  FAIL

run_at_r13:
  mov qword ptr ds:[TRAP_VECTOR], -1
  mov qword ptr ds:[TRAP_RESUME], offset came_back
  mov qword ptr ds:[TRAP_STACK], rsp
  push USER_DATA
  movabs rax, USER_STACK_PAGE + 0x1000
  push rax
  push FIXED
  push USER_CODE
  push r13
  iretq
came_back:
  mov qword ptr ds:[TRAP_RESUME], 0
  ret

  define_traps
  user_code_begins
  .quad 0
probe:
  call by_call
indirectly:
  lea rax, [rip + after_jump]
  push rax
  lea rax, [rip + by_jump]
  jmp rax
after_jump:
  mov ecx, 2
across:
  lea rax, [rip + border]
  call rax
  call border
  dec ecx
  jnz across
  ud2
  .org user_begin + 0xffd
border:
  .byte 0x49, 0xba, 0                   // mov r10, the seven bytes that the second page begins with, << 8

.macro second_page number
  .byte 0, 0, 0, 0, 0, 0, \number
  ret
  .balign 16
  mov r8d, \number
  ret
  .balign 16
  mov r9d, \number
  ret
  .balign 16
  ud2
  .balign 16
  mov eax, offset after_jump - user_begin
  jmp rax
  .balign 4096
.endm
  .org user_begin + 0x1000
  second_page 1
  second_page 2
  .set by_call, user_begin + 0x1010
  .set by_jump, user_begin + 0x1020
  .set only_second, user_begin + 0x1030
  .set astray, user_begin + 0x1040
