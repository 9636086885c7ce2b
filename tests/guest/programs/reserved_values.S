// Reserved bits of CR0's upper half and of the PAT register fault.
// skip: kvm-software it accepts them
#include "long.inc"
  install_traps
  mov rax, cr0
  bts rax, 32
  EXPECT_TRAP(GP, 0, mov cr0, rax)
  mov ecx, 0x277
  mov eax, 0x00070406
  mov edx, 0x00070402                   // 2 is no memory type
  EXPECT_TRAP(GP, 0, wrmsr)
  mov edx, 0x00070406
  wrmsr
  rdmsr
  CHECK_EQ(rdx, 0x00070406)
  pass
  define_traps
