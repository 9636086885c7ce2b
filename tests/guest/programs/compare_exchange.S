// cmpxchg in all widths, cmpxchg8b, cmpxchg16b: what they load, store and flag; alignment of the last.
// needs: cx16
// skip: kvm-software its instruction emulator has no cmpxchg16b
#include "long.inc"
  install_traps
  mov qword ptr ds:[DATA], 5
  mov eax, 5
  mov ecx, 7
  cmpxchg ds:[DATA], cl
  CHECK_FLAGS(ZF, ZF)
  CHECK_EQ([DATA], 7)
  mov rax, -1
  mov ecx, 9
  cmpxchg dword ptr ds:[DATA], ecx      // differs: EAX is loaded, its upper half cleared
  CHECK_FLAGS(ZF, 0)
  CHECK_EQ(rax, 7)
  mov rax, 0x1111111100000007
  cmpxchg dword ptr ds:[DATA], ecx      // equal: RAX is left alone
  CHECK_EQ(rax, 0x1111111100000007)
  CHECK_EQ([DATA], 9)
  mov eax, 9
  xor edx, edx
  mov ebx, 0x11
  mov ecx, 0x22
  cmpxchg8b ds:[DATA]
  CHECK_FLAGS(ZF, ZF)
  CHECK_EQ([DATA], 0x2200000011)
  cmpxchg8b ds:[DATA]
  CHECK_FLAGS(ZF, 0)
  CHECK_EQ(rax, 0x11)
  CHECK_EQ(rdx, 0x22)
  mov rax, 0x2200000011
  xor edx, edx
  mov rbx, 0x123
  mov rcx, 0x456
  cmpxchg16b ds:[DATA]
  CHECK_FLAGS(ZF, ZF)
  CHECK_EQ([DATA + 8], 0x456)
  EXPECT_TRAP(GP, 0, cmpxchg16b ds:[DATA + 8])
  mov qword ptr ds:[WINDOW_PT], 0x300000 | P
  movabs rsi, WINDOW
  mov rax, -1
  EXPECT_TRAP(PF, 3, cmpxchg [rsi], rcx)        // a write even where it does not store
  pass
  define_traps
