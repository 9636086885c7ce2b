// fxsave and fxrstor keep x87 and SSE state, in 512 aligned bytes.
// skip: kvm-software its instruction emulator has no x87
#include "long.inc"
  install_traps
  fninit
  fld1
  fldpi
  mov rax, 0x1122334455667788
  movq xmm9, rax
  fxsave64 [rip + area]
  mov ax, [rip + area]
  and eax, 0xffff
  CHECK_EQ(rax, 0x37f)
  mov eax, [rip + area + 24]
  CHECK_EQ(rax, 0x1f80)
  movzx eax, byte ptr [rip + area + 4]  // the abridged tag word: two registers in use
  CHECK_EQ(rax, 0xc0)
  CHECK_EQ([area + 32], 0xc90fdaa22168c235)
  CHECK_EQ([area + 160 + 9 * 16], 0x1122334455667788)
  fninit
  pxor xmm9, xmm9
  fxrstor64 [rip + area]
  movq rax, xmm9
  CHECK_EQ(rax, 0x1122334455667788)
  fstp st(0)
  fstp qword ptr ds:[DATA]
  CHECK_EQ([DATA], 0x3ff0000000000000)
  // Whether an exception waits is worked out from the image's flags and masks, whatever the image says.
  mov dword ptr [rip + area], 0x0001f37e        // invalid operation: happened, not masked; ES clear
  fxrstor64 [rip + area]
  fxsave64 [rip + copy]
  mov eax, [rip + copy]
  CHECK_EQ(rax, 0x8081137e)
  fxrstor64 [rip + area]
  mov rbx, WINDOW + 0x5000
  EXPECT_TRAP(MF, 0, fld dword ptr [rbx])
  mov dword ptr [rip + area], 0x80ffffff        // all happened, all masked; ES and B set
  fxrstor64 [rip + area]
  fxsave64 [rip + copy]
  mov eax, [rip + copy]
  CHECK_EQ(rax, 0x007f1f7f)
  fxrstor64 [rip + area]
  EXPECT_TRAP(PF, 0, fld dword ptr [rbx])
  EXPECT_TRAP(GP, 0, fxsave64 [rip + area + 8])
  mov dword ptr [rip + area + 24], 0xffff0000
  EXPECT_TRAP(GP, 0, fxrstor64 [rip + area])    // reserved MXCSR bits
  pass
  define_traps
.align 16
area: .fill 512, 1, 0
copy: .fill 512, 1, 0
