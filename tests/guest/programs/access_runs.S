// Fields of a structure, one after the other: which access faults, with what done before, and flags across all; over
// the border of two pages; dirty pages; a base that changes in between.
#include "long.inc"
#include "user.inc"
#define ROOM WINDOW + 0x110000
#define ROOM_END WINDOW + 0x111000
#define ROOM_PTE WINDOW_PT + 8 * 0x110
#define NEXT_PTE WINDOW_PT + 8 * 0x111
#define ROOM_RAM 0x330000
#define NEXT_RAM 0x350000
  install_traps
  map_user_pages
  mov r14d, 3
again:
  mov qword ptr ds:[ROOM_PTE], ROOM_RAM | P | RW | US
  mov qword ptr ds:[NEXT_PTE], 0
  call flush
  mov qword ptr ds:[ROOM_RAM + 0xff0], 0x44
  mov qword ptr ds:[ROOM_RAM + 0xff8], 0x55
  expect_user_trap PF, 6, store_beyond, __LINE__
  CHECK_EQ([TRAP_RIP], USER_PAGE + (that_store - user_begin))
  CHECK_EQ([TRAP_CR2], ROOM_END)
  CHECK_EQ([ROOM_RAM + 0xff8], 0x66)
  CHECK_EQ(rax, 0x44)
  CHECK_EQ(rcx, 0x44 + 0x55)
  mov r15, [TRAP_FLAGS]
  and r15d, CF | ZF | 0x800
  cmp r15d, CF
  jne wrong

  // Two pages that are not side by side in RAM.
  mov qword ptr ds:[NEXT_PTE], NEXT_RAM | P | RW | US
  mov qword ptr ds:[NEXT_RAM], 0x77
  call flush
  movabs rbx, ROOM_END - 8
  call exchange_fields
  jnc wrong
  CHECK_EQ(rax, 0x66)
  CHECK_EQ(rcx, 0x77)
  CHECK_EQ([ROOM_RAM + 0xff8], 0x77)
  CHECK_EQ([NEXT_RAM], 0x66)

  // Only the page that is written to becomes dirty.
  mov qword ptr ds:[NEXT_PTE], NEXT_RAM | P | RW | US
  call flush
  movabs rbx, ROOM_END - 8
  mov [rbx], rax
  mov rcx, [rbx + 8]
  mov rax, ds:[NEXT_PTE]
  and eax, 0x60
  CHECK_EQ(rax, 0x20)

  // What a jump leaves out is not missed.
  mov qword ptr ds:[NEXT_PTE], 0
  call flush
  movabs rbx, ROOM_END - 8
  mov qword ptr ds:[ROOM_RAM + 0xff8], 0
  call read_if_there
  CHECK_EQ(rax, 0)
  mov qword ptr ds:[ROOM_RAM + 0xff8], 9
  sub rbx, 8
  call read_if_there
  CHECK_EQ(rax, 9)

  // Reads leave a page clean; the first one is allowed where the write is not.
  mov qword ptr ds:[ROOM_PTE], ROOM_RAM | P | US
  mov qword ptr ds:[ROOM_RAM], 0x11
  mov qword ptr ds:[ROOM_RAM + 8], 0x22
  call flush
  movabs rbx, ROOM
  call read_fields
  CHECK_EQ(rax, 0x33)
  mov rax, ds:[ROOM_PTE]
  test eax, 0x40
  jnz wrong
  expect_user_trap PF, 7, read_and_write, __LINE__
  CHECK_EQ([TRAP_RIP], USER_PAGE + (write_there - user_begin))
  CHECK_EQ([TRAP_CR2], ROOM + 8)
  CHECK_EQ(rax, 0x11)
  mov rax, ds:[ROOM_PTE]
  test eax, 0x40
  jnz wrong

  // A list whose elements point to the next one.
  mov qword ptr ds:[ROOM_PTE], ROOM_RAM | P | RW | US
  call flush
  movabs rax, ROOM + 0x100
  mov ds:[ROOM_RAM + 8], rax
  mov qword ptr ds:[ROOM_RAM + 0x108], 0x99
  mov qword ptr ds:[ROOM_RAM + 0x100], 0x88
  movabs rbx, ROOM
  mov rax, [rbx]
  mov rbx, [rbx + 8]
  mov rcx, [rbx]
  add rcx, [rbx + 8]
  CHECK_EQ(rax, 0x11)
  CHECK_EQ(rcx, 0x88 + 0x99)
  dec r14d
  jnz again
  pass
wrong:
  fail __LINE__

flush:
  mov rax, cr3
  mov cr3, rax
  ret

// Swaps two neighbours; CF stays set.
exchange_fields:
  stc
  mov rax, [rbx]
  mov rcx, [rbx + 8]
  mov [rbx], rcx
  mov [rbx + 8], rax
  ret

read_if_there:
  xor eax, eax
  cmp qword ptr [rbx], 0
  je nothing_there
  mov rax, [rbx + 8]
nothing_there:
  ret

read_fields:
  mov rax, [rbx]
  add rax, [rbx + 8]
  ret

  define_traps
  user_code_begins
store_beyond:
  movabs rbx, ROOM_END
  mov eax, 0x20
  stc
  mov rax, [rbx - 16]
  mov rcx, [rbx - 8]
  mov qword ptr [rbx - 8], 0x66
  lea rcx, [rcx + rax]
that_store:
  mov [rbx], rcx
  mov [rbx + 8], rcx
  ud2
read_and_write:
  movabs rbx, ROOM
  mov rax, [rbx]
write_there:
  mov [rbx + 8], rax
  mov rax, [rbx + 16]
  ud2
