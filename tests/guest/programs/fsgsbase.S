// rdfsbase, wrfsbase and the GS pair, in 64 and 32 bits; undefined without CR4.FSGSBASE; canonical values only.
// needs: fsgsbase
#include "long.inc"
  install_traps
  EXPECT_TRAP(UD, 0, rdfsbase rax)
  mov rax, cr4
  bts rax, 16
  mov cr4, rax
  mov rax, 0x123456789abc
  wrfsbase rax
  xor ebx, ebx
  rdfsbase rbx
  CHECK_EQ(rbx, 0x123456789abc)
  rdfsbase ebx
  CHECK_EQ(rbx, 0x56789abc)
  mov rax, -1
  wrgsbase eax                          // 32 bits: the upper half is cleared
  rdgsbase rbx
  CHECK_EQ(rbx, 0xffffffff)
  mov eax, DATA
  wrgsbase rax
  mov qword ptr ds:[DATA + 8], 0x77
  CHECK_EQ(gs:[8], 0x77)
  mov rax, 0x800000000000
  EXPECT_TRAP(GP, 0, wrfsbase rax)
  EXPECT_TRAP(GP, 0, wrgsbase rax)
  rdfsbase rbx
  CHECK_EQ(rbx, 0x123456789abc)
  pass
  define_traps
