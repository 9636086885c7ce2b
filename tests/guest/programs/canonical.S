// Addresses that are not canonical fault before paging is asked, on either side of the hole and across its edge.
// skip: kvm-software its instruction emulator asks paging first where only the access's end is not canonical
#include "long.inc"
  install_traps
  mov rbx, 0x7ffffffffffd
  EXPECT_TRAP(GP, 0, mov rax, [rbx])            // its end is not canonical
  EXPECT_TRAP(PF, 0, mov al, [rbx])
  mov rbx, 0xffff7fffffffffff
  EXPECT_TRAP(GP, 0, mov al, [rbx])
  EXPECT_TRAP(PF, 0, mov al, [rbx + 1])
  mov rbx, 0x800000000000
  EXPECT_TRAP(GP, 0, jmp rbx)
  EXPECT_TRAP(GP, 0, call rbx)
  push rbx
  EXPECT_TRAP(GP, 0, ret)
  pop rbx
  mov ecx, 0xc0000102                           // registers that hold addresses refuse others
  mov eax, 0
  mov edx, 0x8000
  EXPECT_TRAP(GP, 0, wrmsr)
  mov ecx, 0xc0000082
  EXPECT_TRAP(GP, 0, wrmsr)
  mov ecx, 0xc0000100
  EXPECT_TRAP(GP, 0, wrmsr)
  mov qword ptr ds:[DATA + 2], 0
  mov word ptr ds:[DATA], 0xff
  mov ds:[DATA + 2], rbx
  EXPECT_TRAP(GP, 0, lgdt ds:[DATA])
  invlpg [rbx]                                  // does nothing, quietly
  pass
  define_traps
