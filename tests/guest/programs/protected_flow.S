// 32-bit protected mode: far calls, interrupts and traps, pusha, loops with 16-bit operands, bound, into.
// start: protected
// skip: kvm-software its instruction emulator has no int and no iret here
#include "protected.inc"
  install_traps
  mov ebx, esp
  call KERNEL_CODE32:far_callee
  CHECK_EQ(eax, 0x77)
  CHECK_EQ(esp, ebx)
  EXPECT_TRAP(GP, KERNEL_DATA, .byte 0x9a, 0, 0, 0, 0, KERNEL_DATA, 0)
  EXPECT_TRAP(GP, 0, .byte 0xea, 0, 0, 0, 0, 0, 0)
  EXPECT_TRAP(UD, 0, ud2)
  xor ecx, ecx
  EXPECT_TRAP(DE, 0, div ecx)
  mov dword ptr ds:[DATA], 10           // bound: 10 to 20
  mov dword ptr ds:[DATA + 4], 20
  mov eax, 15
  bound eax, ds:[DATA]
  mov eax, 21
  EXPECT_TRAP(5, 0, bound eax, ds:[DATA])
  SET_GATE32(0x21, counting, 0x8f)      // a trap gate leaves IF on
  xor edx, edx
  sti
  int 0x21
  CHECK_EQ(edx, 0x200)
  SET_GATE32(0x21, counting, 0x8e)
  int 0x21
  CHECK_EQ(edx, 0)
  cli
  SET_GATE32(4, counting, 0x8e)
  mov edx, 0x55
  mov al, 0x7f
  add al, 1
  into
  CHECK_EQ(edx, 0)
  mov eax, 1
  mov ecx, 2
  pushad
  xor eax, eax
  popad
  CHECK_EQ(eax, 1)
  mov ecx, 0x10003
  xor eax, eax
1:
  inc eax
  .byte 0x67                            // loop on CX only
  loop 1b
  CHECK_EQ(eax, 3)
  CHECK_EQ(ecx, 0x10000)
  mov esi, 0x12345678
  .byte 0x66
  push esi                              // 16 bits
  CHECK_EQ(word ptr [esp], 0x5678)
  .byte 0x66
  pop esi
  CHECK_EQ(esp, ebx)
  pass
far_callee:
  mov eax, 0x77
  .byte 0xcb
counting:
  pushfd
  pop edx
  and edx, 0x200
  iretd
  define_traps
