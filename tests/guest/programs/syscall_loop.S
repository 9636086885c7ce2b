// Hundreds of system calls: every kind of flag goes there and back, TF stops at the kernel's door, and a return to an
// address that is not canonical faults in the kernel.
// skip: kvm-software its syscall leaves CS and so the privilege level alone
#include "long.inc"
#include "user.inc"
  install_traps
  SET_GATE(DB, step, 0, 0)
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
  mov eax, IF | TF | 0x40000 | CF | ZF
  wrmsr
  mov rbp, rsp
  xor r12d, r12d                // traps
  ENTER_USER(user_start, FIXED)
entry:
  mov r14, rsp
  mov rsp, rbp
  pushfq
  pop r13
  cmp eax, 1
  je stepped
  cmp eax, 2
  je last
  and r13d, ARITHMETIC | IF | DIRECTION
  CHECK_EQ(r13, SF | PARITY)            // of what the user had, less FMASK
  mov rsp, r14
  xor r11d, SF | OVERFLOW | DIRECTION   // they come back changed
  sysretq
stepped:
  CHECK_EQ(r12, 2)                      // after nop and mov, not after syscall
  and r11d, TF
  CHECK_EQ(r11, TF)
  mov rsp, r14
  mov r11d, FIXED
  sysretq
last:
  CHECK_EQ(rbx, 0)
  mov rcx, 0x800000000000
  mov r11d, FIXED
  EXPECT_TRAP(GP, 0, sysretq)
  CHECK_EQ([TRAP_CS], KERNEL_CODE)
  CHECK_EQ([TRAP_RSP], 0x90000)
  pass
step:
  inc r12d
  iretq
  define_traps
  user_code_begins
user_start:
  mov ebx, 300
again:
  xor eax, eax
  push FIXED | SF | PARITY | CF
  popfq
  syscall
  pushfq
  pop r9
  and r9d, ARITHMETIC | DIRECTION
  cmp r9d, OVERFLOW | PARITY | CF | DIRECTION
  je 1f
  ud2
1:
  cld
  dec ebx
  jnz again
  push FIXED | TF
  popfq
  nop
  mov eax, 1
  syscall
  mov eax, 2
  syscall
