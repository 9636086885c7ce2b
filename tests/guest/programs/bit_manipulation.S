// BMI1, BMI2, popcnt, lzcnt, movbe and adx.
// needs: bmi1 bmi2 popcnt movbe adx
#include "long.inc"
  mov rax, 0xf0f0
  popcnt rbx, rax
  CHECK_EQ(rbx, 8)
  tzcnt rbx, rax
  CHECK_EQ(rbx, 4)
  lzcnt rbx, rax
  CHECK_EQ(rbx, 48)
  mov ecx, 0xff
  andn rbx, rcx, rax
  CHECK_EQ(rbx, 0xf000)
  blsr rbx, rax
  CHECK_EQ(rbx, 0xf0e0)
  mov ecx, 0x0804
  bextr rbx, rax, rcx
  CHECK_EQ(rbx, 0x0f)
  mov rcx, 0xff00ff
  pext rbx, rax, rcx
  CHECK_EQ(rbx, 0xf0)
  pdep rbx, rax, rcx
  CHECK_EQ(rbx, 0xf000f0)
  mov ecx, 4
  stc
  shlx rbx, rax, rcx                    // flags stay
  CHECK_FLAGS(CF, CF)
  CHECK_EQ(rbx, 0xf0f00)
  mov rdx, 3
  mulx rcx, rbx, rax
  CHECK_EQ(rbx, 0x2d2d0)
  rorx rbx, rax, 4
  CHECK_EQ(rbx, 0xf0f)
  mov rax, 0x0102030405060708
  movbe ds:[DATA], rax
  CHECK_EQ([DATA], 0x0807060504030201)
  movbe ecx, ds:[DATA]
  CHECK_EQ(rcx, 0x01020304)
  stc
  mov eax, 1
  adcx eax, eax
  CHECK_EQ(rax, 3)
  pass
