// Loads, stores, pushes and pops across two pages that are no neighbours in RAM, again and again, and after the second
// page was exchanged.
// skip: kvm-software its instruction emulator does not know pcmpeqb
#include "long.inc"
#define SEAM (WINDOW + 0x6000)
#define FIRST 0x300000
#define SECOND 0x340000
#define OTHER 0x380000
  mov qword ptr ds:[WINDOW_PT + 8 * 5], FIRST | P | RW
  mov rbp, rsp
  mov r14d, 40
again:
  mov qword ptr ds:[WINDOW_PT + 8 * 6], SECOND | P | RW
  movabs rax, SEAM
  invlpg [rax]
  mov r13d, SECOND
  call cross
  mov qword ptr ds:[WINDOW_PT + 8 * 6], OTHER | P | RW
  movabs rax, SEAM
  invlpg [rax]
  mov r13d, OTHER
  call cross
  dec r14d
  jnz again
  CHECK_EQ([SECOND], 0x1122334455)
  CHECK_EQ([OTHER], 0x1122334455)
  CHECK_EQ([SECOND + 0x1000], 0)
  pass

// r13: the page behind the seam.
cross:
  mov qword ptr [r13], 0
  mov qword ptr ds:[FIRST + 0xff8], 0
  movabs rbx, SEAM - 3
  movabs rax, 0x1122334455667788
  mov [rbx], rax
  CHECK_EQ([r13], 0x1122334455)
  CHECK_EQ([FIRST + 0xff8], 0x6677880000000000)
  mov rcx, [rbx]
  cmp rcx, rax
  jne wrong
  add dword ptr [rbx + 1], 0x01010101             // read and written, with flags
  jc wrong
  CHECK_EQ([r13], 0x1122334556)
  sub dword ptr [rbx + 1], 0x01010101
  movups xmm0, [rbx - 5]
  movups [rbx - 4], xmm0
  movups xmm1, [rbx - 4]
  pcmpeqb xmm1, xmm0
  pmovmskb edx, xmm1
  CHECK_EQ(rdx, 0xffff)
  mov [rbx], rax
  mov qword ptr [r13 + 5], 0
  mov qword ptr [r13 + 8], 0
  lea rsp, [rbx + 3 + 16]                         // a row of pushes and pops with the seam in its middle
  mov ecx, 0x11
  mov edx, 0x22
  mov esi, 0x33
  mov edi, 0x44
  stc
  push rcx
  push rdx
  push rsi
  push rdi
  jnc lost_flag
  mov r8, [r13]
  mov r9, [FIRST + 0xff8]
  pop r10
  pop r11
  pop r12
  pop rbx
  mov rsp, rbp
  sub rsp, 8                                      // the return address of this call
  CHECK_EQ(r8, 0x22)
  CHECK_EQ(r9, 0x33)
  CHECK_EQ(r10, 0x44)
  CHECK_EQ(r11, 0x33)
  CHECK_EQ(r12, 0x22)
  CHECK_EQ(rbx, 0x11)
  movabs rax, 0x1122334455
  mov [r13], rax
  mov qword ptr [r13 + 8], 0
  ret
lost_flag:
  mov rsp, rbp
wrong:
  FAIL
