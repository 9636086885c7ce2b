// rdtsc and rdtscp go forward; CR4.TSD keeps ring 3 away.
// needs: rdtscp
#include "long.inc"
#include "user.inc"
  install_traps
  map_user_pages
  mov ecx, 0xc0000103
  mov eax, 0x1234
  xor edx, edx
  wrmsr
  xor r8d, r8d
  mov ebp, 1000
again:
  rdtsc
  shl rdx, 32
  or rdx, rax
  cmp rdx, r8
  ja 1f
  FAIL
1:
  mov r8, rdx
  mov rcx, -1
  rdtscp
  CHECK_EQ(rcx, 0x1234)
  shl rdx, 32
  or rdx, rax
  cmp rdx, r8
  ja 1f
  FAIL
1:
  mov r8, rdx
  dec ebp
  jnz again
  EXPECT_USER_TRAP(UD, 0, user_rdtsc)
  mov rax, cr4
  bts rax, 2
  mov cr4, rax
  rdtsc
  EXPECT_USER_TRAP(GP, 0, user_rdtsc)
  EXPECT_USER_TRAP(GP, 0, user_rdtscp)
  pass
  define_traps
  user_code_begins
user_rdtsc:
  rdtsc
user_rdtscp:
  rdtscp
  ud2
