// sysenter takes CS, RIP and RSP from its registers; with a null CS it faults; AMD's long mode does not have it.
// needs: sep
#include "long.inc"
#include "user.inc"
  install_traps
  map_user_pages
  xor eax, eax
  cpuid
  cmp ebx, 0x68747541           // "Auth"enticAMD
  jne 1f
  EXPECT_USER_TRAP(UD, 0, user_sysenter)
  pass
1:
  EXPECT_USER_TRAP(GP, 0, user_sysenter)
  mov ecx, 0x174
  mov eax, KERNEL_CODE
  xor edx, edx
  wrmsr
  mov ecx, 0x175
  mov eax, 0x86000
  wrmsr
  mov ecx, 0x176
  mov eax, offset entry
  wrmsr
  ENTER_USER(user_sysenter, FIXED | IF)
entry:
  CHECK_EQ(rsp, 0x86000)
  mov eax, cs
  CHECK_EQ(rax, KERNEL_CODE)
  mov eax, ss
  CHECK_EQ(rax, KERNEL_DATA)
  CHECK_FLAGS(IF, 0)
  pass
  define_traps
  user_code_begins
user_sysenter:
  sysenter
