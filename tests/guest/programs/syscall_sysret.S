// syscall and sysret switch rings with RIP in RCX, RFLAGS in R11, FMASK applied, and fixed selectors.
// skip: kvm-software its syscall leaves CS and so the privilege level alone
#include "long.inc"
#include "user.inc"
  install_traps
  map_user_pages
  mov ecx, 0xc0000081           // STAR: syscall 0x08, sysret 0x18
  xor eax, eax
  mov edx, 0x00180008
  wrmsr
  mov ecx, 0xc0000082           // LSTAR
  mov eax, offset entry
  xor edx, edx
  wrmsr
  mov ecx, 0xc0000084           // FMASK
  mov eax, IF | DIRECTION | TF
  wrmsr
  mov rbp, rsp
  ENTER_USER(user_start, FIXED | IF | DIRECTION)
entry:
  mov r14, rsp
  mov rsp, rbp
  pushfq
  pop r13
  cmp eax, 1
  je second
  and r13d, IF | DIRECTION
  CHECK_EQ(r13, 0)
  mov r13, cs
  CHECK_EQ(r13, KERNEL_CODE)
  mov r13, ss
  CHECK_EQ(r13, KERNEL_DATA)
  CHECK_EQ(rcx, USER_PAGE + (user_after - user_begin))
  and r11, IF | DIRECTION
  CHECK_EQ(r11, IF | DIRECTION)
  CHECK_EQ(r14, USER_STACK_PAGE + 0x1000)       // RSP is not touched
  mov rsp, r14
  mov r11d, FIXED | CF
  sysretq
second:
  CHECK_EQ(rbx, USER_CODE)
  CHECK_EQ(rdx, USER_DATA)
  CHECK_EQ(rsi, FIXED | CF)
  mov ecx, 0xc0000080           // without EFER.SCE both are undefined
  rdmsr
  and eax, ~1
  wrmsr
  EXPECT_TRAP(UD, 0, sysretq)
  EXPECT_TRAP(UD, 0, syscall)
  pass
  define_traps
  user_code_begins
user_start:
  syscall
user_after:
  pushfq
  pop rsi
  mov ebx, cs
  mov edx, ss
  mov eax, 1
  syscall
