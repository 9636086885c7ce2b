// iretq: to ring 3 and back, bad selectors, canonical RIP, null SS, NT; the frame always has five words.
// skip: kvm-software its iret refuses a null SS
#include "long.inc"
#include "user.inc"
  install_traps
  map_user_pages
  mov rbx, rsp
  push 0                                // a null SS is fine for 64-bit ring 0
  push rbx
  push FIXED | CF
  push KERNEL_CODE
  push offset 1f
  iretq
1:
  mov eax, ss
  CHECK_EQ(rax, 0)
  CHECK_EQ(rsp, 0x90000)
  mov eax, KERNEL_DATA
  mov ss, eax
  push KERNEL_DATA
  push rbx
  push FIXED
  push KERNEL_DATA                      // not code
  push offset 1b
  EXPECT_TRAP(GP, KERNEL_DATA, iretq)
  mov rsp, rbx
  push KERNEL_DATA
  push rbx
  push FIXED
  push 0
  push offset 1b
  EXPECT_TRAP(GP, 0, iretq)
  mov rsp, rbx
  push USER_DATA
  push rbx
  push FIXED
  push KERNEL_CODE                      // SS's DPL is not CPL
  push offset 1b
  EXPECT_TRAP(GP, USER_DATA & 0xfff8, iretq)
  mov rsp, rbx
  push KERNEL_DATA
  push rbx
  push FIXED
  push KERNEL_CODE
  mov rax, 0x800000000000
  push rax
  EXPECT_TRAP(GP, 0, iretq)
  mov rsp, rbx
  pushfq
  or qword ptr [rsp], 0x4000            // NT: no task returns in long mode
  popfq
  push KERNEL_DATA
  push rbx
  push FIXED
  push KERNEL_CODE
  push offset 1b
  EXPECT_TRAP(GP, 0, iretq)
  mov rsp, rbx
  push FIXED
  popfq
  push KERNEL_DATA                      // 32-bit operand size: a frame of doublewords
  sub rsp, 12
  mov dword ptr [rsp], offset 2f
  mov dword ptr [rsp + 4], KERNEL_CODE
  mov dword ptr [rsp + 8], FIXED
  mov dword ptr [rsp + 12], ebx
  mov dword ptr [rsp + 16], KERNEL_DATA
  .byte 0xcf
2:
  CHECK_EQ(rsp, 0x90000)
  pass
  define_traps
  user_code_begins
