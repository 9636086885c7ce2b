// lar, lsl, verr and verw answer in ZF and never fault on a bad selector.
// skip: kvm-software its instruction emulator does not know them
#include "long.inc"
  mov ecx, KERNEL_CODE
  lar eax, ecx
  CHECK_FLAGS(ZF, ZF)
  mov ecx, KERNEL_CODE
  lar eax, ecx
  and eax, 0x00f0ff00                                   // the limit's bits are undefined
  CHECK_EQ(rax, 0x00a09b00)
  mov ecx, SMALL_DATA
  lsl eax, ecx
  CHECK_EQ(rax, 15)
  mov ecx, KERNEL_DATA
  lsl eax, ecx
  CHECK_EQ(rax, 0xffffffff)
  mov ecx, 0x1000
  lar eax, ecx
  CHECK_FLAGS(ZF, 0)
  mov ecx, READ_ONLY_DATA
  verr cx
  CHECK_FLAGS(ZF, ZF)
  mov ecx, READ_ONLY_DATA
  verw cx
  CHECK_FLAGS(ZF, 0)
  pass
