// A store to an address that is not canonical faults, whatever the TLB remembers for such an address' low bits.
// skip: kvm-software its instruction emulator asks paging first
#include "long.inc"
  install_traps
  movabs rdi, WINDOW
  movabs rbx, 0x4000000000000000
  mov eax, 1
  mov ecx, 4                                    // pages whose dirty bit is clear: only reads are remembered
again:
  mov rdx, rdi
  shr rdx, 12
  and edx, 511
  mov qword ptr ds:[rdx * 8 + WINDOW_PT], 0x280000 | P | RW
  mov rdx, [rdi]
  EXPECT_TRAP(GP, 0, mov [rbx], rax)
  EXPECT_TRAP(GP, 0, mov [rbx + 8], rax)
  add rdi, 0x1000
  add rbx, 0x1000
  dec ecx
  jnz again
  mov rdx, ds:[0x280000]
  CHECK_EQ(rdx, 0)
  pass
  define_traps
