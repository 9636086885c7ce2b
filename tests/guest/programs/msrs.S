// rdmsr and wrmsr: values come back, unknown registers and bad values fault, the machine's registers reach it.
#include "long.inc"
  install_traps
  mov ecx, 0xc0000102
  mov eax, 0x9abcdef0
  mov edx, 0x00001234
  wrmsr
  xor eax, eax
  xor edx, edx
  rdmsr
  CHECK_EQ(rax, 0x9abcdef0)
  CHECK_EQ(rdx, 0x1234)
  mov ecx, 0x4b564d00                   // held by the harness
  mov eax, 0x55
  mov edx, 0x66
  wrmsr
  mov rax, -1
  mov rdx, -1
  rdmsr
  CHECK_EQ(rax, 0x55)
  CHECK_EQ(rdx, 0x66)
  mov ecx, 0x1b
  rdmsr
  CHECK_EQ(rax, 0xfee00900)
  EXPECT_TRAP(GP, 0, wrmsr; nop)
  mov ecx, 0x12345
  EXPECT_TRAP(GP, 0, rdmsr; nop)
  EXPECT_TRAP(GP, 0, wrmsr; nop)
  CHECK_EQ(rax, 0xfee00900)             // untouched
  mov ecx, 0xc0000080
  rdmsr
  mov esi, eax
  or eax, 0x2                           // a reserved bit of EFER
  EXPECT_TRAP(GP, 0, wrmsr)
  mov eax, esi
  and eax, ~0x100                       // LME cannot change while paging is on
  EXPECT_TRAP(GP, 0, wrmsr)
  rdmsr
  CHECK_EQ(rax, 0xd01)
  mov ecx, 0x10                         // the TSC can be written
  rdmsr
  mov ebx, edx
  rdmsr
  sub edx, ebx
  cmp edx, 2
  jb 1f
  FAIL
1:
  pass
  define_traps
