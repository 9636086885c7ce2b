// The same pages of user code at several linear addresses: in one address space, after being moved, and in two.
#include "long.inc"
#include "user.inc"
#define ALIAS (WINDOW + 0x110000)
#define OTHER_TABLES 0x2b0000

// Runs the user code in pages mapped at \base, and checks everything that depends on its address. Clobbers all but
// rbp and r13.
.macro run_at base
  movabs r12, \base
  call run_at_r12
.endm

  install_traps
  map_user_pages
  mov ebp, 20
again:
  call map_alias                        // both at once
  run_at USER_PAGE
  run_at ALIAS
  run_at ALIAS
  run_at USER_PAGE
  mov qword ptr ds:[WINDOW_PT + 8 * 0x110], 0
  mov qword ptr ds:[WINDOW_PT + 8 * 0x111], 0
  movabs rax, ALIAS
  invlpg [rax]
  invlpg [rax + 0x1000]
  run_at USER_PAGE
  call map_alias                        // moved there and back
  mov r13, ds:[WINDOW_PT + 8 * 0x100]
  mov r14, ds:[WINDOW_PT + 8 * 0x101]
  push r14
  mov qword ptr ds:[WINDOW_PT + 8 * 0x100], 0
  mov qword ptr ds:[WINDOW_PT + 8 * 0x101], 0
  mov rax, cr3
  mov cr3, rax
  run_at ALIAS
  pop r14
  mov ds:[WINDOW_PT + 8 * 0x100], r13
  mov ds:[WINDOW_PT + 8 * 0x101], r14
  run_at USER_PAGE
  dec ebp
  jnz again

  // A second set of tables, which has the pages at the alias only.
  mov esi, PML4
  mov edi, OTHER_TABLES
  mov ecx, 512
  rep movsq
  mov qword ptr ds:[OTHER_TABLES + 8], (OTHER_TABLES + 0x1000) | P | RW | US
  mov qword ptr ds:[OTHER_TABLES + 0x1000], (OTHER_TABLES + 0x2000) | P | RW | US
  mov qword ptr ds:[OTHER_TABLES + 0x2000], (OTHER_TABLES + 0x3000) | P | RW | US
  mov rax, ds:[WINDOW_PT + 8 * 0x100]
  mov ds:[OTHER_TABLES + 0x3000 + 8 * 0x110], rax
  mov rax, ds:[WINDOW_PT + 8 * 0x101]
  mov ds:[OTHER_TABLES + 0x3000 + 8 * 0x111], rax
  mov rax, ds:[WINDOW_PT + 8 * 0x102]
  mov ds:[OTHER_TABLES + 0x3000 + 8 * 0x102], rax
  mov ebp, 20
1:
  mov eax, OTHER_TABLES
  mov cr3, rax
  run_at ALIAS
  mov eax, PML4
  mov cr3, rax
  run_at USER_PAGE
  dec ebp
  jnz 1b
  pass

map_alias:
  mov rax, ds:[WINDOW_PT + 8 * 0x100]
  mov ds:[WINDOW_PT + 8 * 0x110], rax
  mov rax, ds:[WINDOW_PT + 8 * 0x101]
  mov ds:[WINDOW_PT + 8 * 0x111], rax
  ret

run_at_r12:
  mov qword ptr ds:[TRAP_VECTOR], -1
  mov qword ptr ds:[TRAP_RESUME], offset came_back
  mov qword ptr ds:[TRAP_STACK], rsp
  push USER_DATA
  movabs rax, USER_STACK_PAGE + 0x1000
  push rax
  push FIXED
  push USER_CODE
  lea rax, [r12 + (probe - user_begin)]
  push rax
  iretq
came_back:
  mov qword ptr ds:[TRAP_RESUME], 0
  CHECK_EQ(qword ptr ds:[TRAP_VECTOR], UD)
  mov rax, ds:[TRAP_RIP]
  sub rax, r12
  cmp rax, offset stop - user_begin
  jne wrong
  sub rbx, r12
  cmp rbx, offset probe - user_begin
  jne wrong
  lea rax, [r12 + (probe - user_begin)]
  mov eax, eax
  cmp rcx, rax
  jne wrong
  CHECK_EQ(rdx, 0x1122334455667788)
  CHECK_EQ(rdi, 0x1122334455667788)
  sub rsi, r12
  cmp rsi, offset called - user_begin
  jne wrong
  sub r8, r12
  cmp r8, offset in_second_page - user_begin
  jne wrong
  CHECK_EQ(r9, 3)
  ret
wrong:
  FAIL

  define_traps
  user_code_begins
  .quad 0                               // so that no block begins where the page does
number:
  .quad 0x1122334455667788
probe:
  lea rbx, [rip + probe]
  lea ecx, [rip + probe]
  mov rdx, [rip + number]
  call called
called:
  pop rsi
  push qword ptr [rip + number]
  pop rdi
  call second_page
  lea rax, [rip + 2f]
  mov r9d, 1
  jmp rax
1:
  inc r9d
  jnz 3f
  ud2
2:
  inc r9d
  jmp 1b
3:
  jmp far_stop
stop:
  ud2
  .org user_begin + 0x1000
second_page:
  lea r8, [rip + in_second_page]
in_second_page:
  ret
far_stop:
  jmp stop
