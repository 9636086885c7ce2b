// rep movs and rep stos of up to 48 KiB over pages that are neighbours in memory, that are not, shown twice, read-only
// or absent, in both rings, do what as many single movs and stos do.
#include "long.inc"
#include "user.inc"
#define PAGES 32
#define REP_AREA WINDOW
#define AREA 0x400000                   // what rep works on, and the same for single instructions
#define REFERENCE 0x500000
#define DISTANCE 0x40000                // between the two in the window
#define OP 0xd100
#define COUNT 0xd108
#define FROM 0xd110
#define TO 0xd118
#define VALUE 0xd120
#define FLAGS 0xd128
#define REPEATED 0xd140                 // rsi, rdi, rcx, vector, error, cr2, flags
#define ROUNDS 60
#define HALF (100 << 12)
  install_traps
  map_user_pages
  xor ecx, ecx
map:
  mov eax, ecx
  cmp ecx, 10
  jb 1f
  cmp ecx, 17
  ja 1f
  mov eax, 27                           // downwards
  sub eax, ecx
1:
  cmp ecx, 19
  jne 2f
  mov eax, 18                           // page 18 twice
2:
  shl eax, 12
  lea rdx, [rax + AREA + (P | RW | US)]
  cmp ecx, 29
  jne 3f
  xor edx, RW
3:
  cmp ecx, 28
  jne 4f
  mov edx, AREA - REFERENCE             // absent, in both
4:
  mov ds:[WINDOW_PT + rcx * 8], rdx
  lea rdx, [rdx + (REFERENCE - AREA)]
  mov ds:[WINDOW_PT + (DISTANCE >> 12) * 8 + rcx * 8], rdx
  cmp ecx, 28
  jne 5f
  mov ds:[WINDOW_PT + rcx * 8], rdx
5:
  inc ecx
  cmp ecx, PAGES
  jne map

  mov r14, 0x12345
  xor ecx, ecx
fill:
  call random
  mov ds:[AREA + rcx * 8], r14
  mov ds:[REFERENCE + rcx * 8], r14
  inc ecx
  cmp ecx, PAGES * 512
  jne fill

  xor r12d, r12d                        // ring 0, then ring 3
next_ring:
  mov r13d, ROUNDS
next_round:
  call draw
  call load_registers
  call run
  mov ds:[REPEATED], rsi
  mov ds:[REPEATED + 8], rdi
  mov ds:[REPEATED + 16], rcx
  mov rax, ds:[TRAP_VECTOR]
  mov ds:[REPEATED + 24], rax
  mov rax, ds:[TRAP_ERROR]
  mov ds:[REPEATED + 32], rax
  mov rax, ds:[TRAP_CR2]
  mov ds:[REPEATED + 40], rax
  mov rax, ds:[TRAP_FLAGS]
  mov ds:[REPEATED + 48], rax

  call load_registers
  add rsi, DISTANCE
  add rdi, DISTANCE
  add r9, 8 * 64
  call run
  sub rsi, DISTANCE
  sub rdi, DISTANCE
  cmp rsi, ds:[REPEATED]
  jne wrong
  cmp rdi, ds:[REPEATED + 8]
  jne wrong
  cmp rcx, ds:[REPEATED + 16]
  jne wrong
  mov rax, ds:[TRAP_VECTOR]
  cmp rax, ds:[REPEATED + 24]
  jne wrong
  cmp rax, 14
  jne same_registers
  mov rax, ds:[TRAP_ERROR]
  cmp rax, ds:[REPEATED + 32]
  jne wrong
  mov rax, ds:[TRAP_CR2]
  sub rax, DISTANCE
  cmp rax, ds:[REPEATED + 40]
  jne wrong
same_registers:
  mov rax, ds:[REPEATED + 48]
  xor rax, ds:[FLAGS]
  test eax, 0xcd5
  jnz wrong
  mov esi, AREA
  mov edi, REFERENCE
  mov ecx, PAGES * 512
  cld
  repe cmpsq
  jne wrong
  dec r13d
  jnz next_round
  inc r12d
  cmp r12d, 2
  jne next_ring

  // Code that a long run overwrites in the middle, from ring 3.
  mov r12d, 20
overwrite:
  mov rax, 0xb0fc300000000b8            // mov eax, number; ret; ud2
  lea r8, [r12 + 0x100]
  shl r8, 8
  or r8, rax
  movabs rdi, REP_AREA
  mov ecx, 3 * 512
  mov r10d, FIXED
  movabs r9, USER_PAGE + (user_overwrite - user_begin)
  call enter_ring_3
  lea rcx, [r12 + 0x100]
  cmp rax, rcx
  jne wrong
  cmp qword ptr ds:[TRAP_VECTOR], 6
  jne wrong
  dec r12d
  jnz overwrite

  // More than an engine does at once.
  xor ecx, ecx
number_pages:
  mov eax, ecx
  shl eax, 12
  add eax, AREA
  mov [rax + 8], rcx
  or eax, P | RW | US
  mov ds:[WINDOW_PT + rcx * 8], rax
  inc ecx
  cmp ecx, 200
  jne number_pages
  mov rax, cr3
  mov cr3, rax
  mov qword ptr ds:[OP], 0
  mov qword ptr ds:[FLAGS], FIXED
  mov qword ptr ds:[COUNT], HALF - 3
  mov r12d, 1
next_half:
  mov eax, AREA
  test r12d, r12d
  jz 1f
  movabs rax, REP_AREA
1:
  mov ds:[FROM], rax
  add rax, HALF
  mov ds:[TO], rax
  mov byte ptr ds:[AREA + 2 * HALF - 3], 0x5a
  call load_registers
  call run
  test rcx, rcx
  jnz wrong
  cmp qword ptr ds:[TRAP_VECTOR], 6
  jne wrong
  sub rdi, HALF * 2 - 3
  cmp byte ptr ds:[AREA + 2 * HALF - 3], 0x5a
  jne wrong
  sub rsi, HALF - 3
  cmp rsi, ds:[FROM]
  jne wrong
  cmp rdi, rsi
  jne wrong
  mov esi, AREA
  mov edi, AREA + HALF
  mov ecx, (HALF - 3) / 4
  repe cmpsd
  jne wrong
  not qword ptr ds:[AREA + HALF - 16]   // the next copy is another one
  dec r12d
  jns next_half
  pass
wrong:
  mov eax, r13d
  shl eax, 4
  or eax, ds:[OP]
  or eax, 0x40000
  out PORT_FAIL, eax

random:                                 // eax = 31 random bits. Clobbers rdx.
  mov rdx, 6364136223846793005
  imul r14, rdx
  mov rdx, 1442695040888963407
  add r14, rdx
  mov rax, r14
  shr rax, 33
  ret

random_address:                         // rax = an address in what is mapped for rep
  call random
  and eax, PAGES * 4096 - 1
  mov ecx, eax
  call random
  test al, 1
  jz 1f
  and ecx, -8
  test al, 2
  jz 1f
  and ecx, -4096
1:
  movabs rax, REP_AREA
  add rax, rcx
  ret

draw:
  call random
  and eax, 7
  mov ds:[OP], rax
  call random_address
  mov ds:[FROM], rax
  call random_address
  mov ds:[TO], rax
  call random
  test al, 3
  jnz 1f
  and eax, 0x3f00                       // overlapping, near
  shr eax, 8
  add rax, ds:[FROM]
  mov ds:[TO], rax
1:
  call random
  mov ds:[VALUE], r14
  call random
  and eax, 0x8d5
  mov ecx, eax
  call random
  test al, 7
  jnz 1f
  or ecx, 0x400                         // DF
1:
  or ecx, FIXED
  mov ds:[FLAGS], rcx
  call random
  mov r8d, eax
  xor edx, edx
  mov ecx, 48 << 10
  div ecx
  mov ecx, ds:[OP]
  and ecx, 3
  shr edx, cl
  test r8d, 0xf0000
  jnz 1f
  mov rdx, -1
1:
  mov ds:[COUNT], rdx
  ret

load_registers:
  mov rsi, ds:[FROM]
  mov rdi, ds:[TO]
  mov rcx, ds:[COUNT]
  mov r8, ds:[VALUE]
  mov r10, ds:[FLAGS]
  mov r9, ds:[OP]
  shl r9, 6
  movabs rax, USER_PAGE
  add r9, rax
  test r12d, r12d
  jnz 1f
  sub r9, rax
  add r9, offset user_begin
1:
  ret

run:                                    // the code at r9, to its ud2 or page fault
  test r12d, r12d
  jnz enter_ring_3
  mov qword ptr ds:[TRAP_VECTOR], -1
  mov qword ptr ds:[TRAP_RESUME], offset back
  mov qword ptr ds:[TRAP_STACK], rsp
  push r10
  popfq
  jmp r9
enter_ring_3:
  mov qword ptr ds:[TRAP_VECTOR], -1
  mov qword ptr ds:[TRAP_RESUME], offset back
  mov qword ptr ds:[TRAP_STACK], rsp
  push USER_DATA
  movabs rax, USER_STACK_PAGE + 0x1000
  push rax
  push r10
  push USER_CODE
  push r9
  iretq
back:
  ret
  define_traps

.macro repeated instruction
  .align 64
  mov rax, r8
  rep \instruction
  ud2
.endm
.macro single instruction
  .align 64
  mov rax, r8
1:
  jrcxz 2f
  \instruction
  lea rcx, [rcx - 1]
  jmp 1b
2:
  ud2
.endm
  user_code_begins
  repeated movsb
  repeated movsw
  repeated movsd
  repeated movsq
  repeated stosb
  repeated stosw
  repeated stosd
  repeated stosq
  single movsb
  single movsw
  single movsd
  single movsq
  single stosb
  single stosw
  single stosd
  single stosq
  .align 64
user_overwrite:
  mov rax, r8
  mov rdx, rdi
  rep stosq
  call [rip + in_second_page]
  ud2
in_second_page:
  .quad REP_AREA + 0x1008
