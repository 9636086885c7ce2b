// Pushes and pops in a row, and ret behind pops: which one faults, with what done before, and flags across all; jumps
// into the middle of them.
#include "long.inc"
#include "user.inc"
#define ROOM WINDOW + 0x110000
#define ROOM_END WINDOW + 0x111000
#define ROOM_RAM 0x330000
  install_traps
  map_user_pages
  mov qword ptr ds:[WINDOW_PT + 8 * 0x110], ROOM_RAM | P | RW | US
  mov r14d, 3
again:
  mov qword ptr ds:[ROOM_RAM], 0
  mov qword ptr ds:[ROOM_RAM + 8], 0
  expect_user_trap PF, 6, push_below, __LINE__
  CHECK_EQ([TRAP_RIP], USER_PAGE + (third_push - user_begin))
  CHECK_EQ([TRAP_CR2], ROOM - 8)
  CHECK_EQ([TRAP_RSP], ROOM)
  CHECK_EQ([ROOM_RAM + 8], 0x11)
  CHECK_EQ([ROOM_RAM], 0x22)
  CHECK_EQ(rax, 0x33)
  mov qword ptr ds:[ROOM_RAM + 0xff0], 0x44
  mov qword ptr ds:[ROOM_RAM + 0xff8], 0x55
  mov r12d, 0x66
  expect_user_trap PF, 4, pop_beyond, __LINE__
  CHECK_EQ([TRAP_RIP], USER_PAGE + (third_pop - user_begin))
  CHECK_EQ([TRAP_CR2], ROOM_END)
  CHECK_EQ([TRAP_RSP], ROOM_END)
  CHECK_EQ(rbx, 0x44)
  CHECK_EQ(rbp, 0x55)
  CHECK_EQ(r12, 0x66)
  mov rax, 0x800000000000
  mov ds:[ROOM_RAM + 0x10], rax
  expect_user_trap GP, 0, return_nowhere, __LINE__
  CHECK_EQ([TRAP_RIP], USER_PAGE + (that_return - user_begin))
  CHECK_EQ([TRAP_RSP], ROOM + 0x10)
  mov r15, [TRAP_FLAGS]
  and r15d, CF | ZF | 0x800
  cmp r15d, CF
  jne wrong
  call into_the_middle
  CHECK_EQ(rax, 64)
  CHECK_EQ(rdx, 1)
  CHECK_EQ(rbx, 3)
  CHECK_EQ(rsi, 0)
  call push_and_pop                             // in ring 0
  jnc wrong
  CHECK_EQ(rax, 0x987)
  dec r14d
  jnz again
  pass
wrong:
  fail __LINE__

push_and_pop:
  mov eax, 7
  mov ebx, 8
  mov ecx, 9
  push rax
  push rbx
  xor ebx, ebx
  mov edx, 0x70
  push rcx
  push 0x12345
  push rax
  stc
  pop r8
  pop r9
  mov rsi, r9
  pop rcx
  pop rbx
  pop rax
  push rbp
  push r12
  pushfq
  shl ecx, 8
  shl ebx, 4
  or eax, ecx
  or eax, ebx
  popfq
  pop r12
  pop rbp
  ret

// rax = bytes pushed, rdx = the last value; rbx = the first value, popped last; rsi = bytes left then.
into_the_middle:
  mov r8, rsp
  mov ecx, 3
  push rcx
  push rcx
more_pushes:
  push rcx
  push rcx
  dec ecx
  jnz more_pushes
  mov rax, r8
  sub rax, rsp
  mov rdx, [rsp]
  mov ecx, 3
  pop rbx
  pop rsi
more_pops:
  pop rsi
  pop rbx
  dec ecx
  jnz more_pops
  mov rsi, r8
  sub rsi, rsp
  ret

  define_traps
  user_code_begins
push_below:
  movabs rsp, ROOM + 16
  mov eax, 0x22
  push 0x11
  push rax
  mov eax, 0x33
third_push:
  push rax
  push rax
  ud2
pop_beyond:
  movabs rsp, ROOM_END - 16
  pop rbx
  pop rbp
third_pop:
  pop r12
  ret
return_nowhere:
  movabs rsp, ROOM
  xor eax, eax
  inc eax
  stc
  pop rbx
  pop rbp
that_return:
  ret
