// 32-bit code in ring 3 under a 64-bit kernel: int 0x80 both ways, 32-bit registers and stack, faults.
// skip: kvm-software its instruction emulator knows int in real mode only
#include "long.inc"
#include "user.inc"
  install_traps
  SET_GATE(0x80, system_call, 3, 0)
  movabs rax, offset user_begin
  and rax, -4096
  or rax, P | RW | US
  mov ds:[WINDOW_PT], rax
  mov qword ptr ds:[WINDOW_PT + 8], 0x300000 | P | RW | US
  mov rax, WINDOW_PT | P | RW | US      // the window's first pages also at 1 GiB, where 32-bit code can reach
  mov ds:[0x2f0000], rax
  mov qword ptr ds:[PDPT + 8], 0x2f0000 | P | RW | US
  mov rax, cr3
  mov cr3, rax
  xor ebx, ebx
  push USER_DATA
  push 0x40002000
  push FIXED | IF
  push USER_CODE32
  push 0x40000000
  mov eax, USER_DATA
  mov ds, eax
  mov es, eax
  iretq
system_call:
  inc ebx
  cmp ebx, 1
  jne second
  CHECK_EQ(rax, 0x11)
  CHECK_EQ([rsp + 8], USER_CODE32)
  CHECK_EQ([rsp + 24], 0x40002000 - 4)
  CHECK_EQ(rsp, 0x88000 - 40)
  mov rax, 0xdead00000022               // the upper half does not survive in 32-bit code
  iretq
second:
  CHECK_EQ(rax, 0x23)
  CHECK_EQ(rdx, 0x77)
  CHECK_EQ([rsp + 24], 0x40002000)
  mov qword ptr ds:[TRAP_RESUME], offset 1f
  mov qword ptr ds:[TRAP_STACK], 0x90000
  iretq
1:
  CHECK_EQ([TRAP_VECTOR], PF)
  CHECK_EQ([TRAP_ERROR], 5)
  CHECK_EQ([TRAP_CS], USER_CODE32)
  CHECK_EQ([TRAP_CR2], DATA)
  CHECK_EQ([TRAP_RSP], 0x40002000)
  pass
  define_traps
  user_code_begins
.code32
  push 0x77
  mov eax, 0x11
  int 0x80
  .byte 0x40                            // inc eax
  pop edx
  int 0x80
  mov eax, ds:[DATA]                    // the kernel's
