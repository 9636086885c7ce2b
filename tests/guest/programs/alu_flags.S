// Integer arithmetic sets exactly the flags that the SDM defines.
// expect: rax=0x8000000000000000 rbx=0xffffffff rcx=0x100
#include "long.inc"
  mov eax, 0x7fffffff
  add eax, 1
  CHECK_FLAGS(ARITHMETIC, OVERFLOW | SF | AF | PARITY)
  CHECK_EQ(rax, 0x80000000)
  mov eax, -1
  add eax, 1
  CHECK_FLAGS(ARITHMETIC, CF | ZF | AF | PARITY)
  mov rax, 0x7fffffffffffffff
  stc
  adc rax, 0
  CHECK_FLAGS(ARITHMETIC, OVERFLOW | SF | AF | PARITY)
  mov rcx, rax
  clc
  mov edx, 5
  sub edx, 6
  CHECK_FLAGS(ARITHMETIC, CF | SF | AF | PARITY)
  stc
  inc edx                       // leaves CF alone
  CHECK_FLAGS(CF | ZF, CF | ZF)
  clc
  dec edx
  CHECK_FLAGS(CF | SF, SF)
  mov dl, 0x80
  neg dl
  CHECK_FLAGS(OVERFLOW | CF | SF | ZF, OVERFLOW | CF | SF)
  mov edx, 0xf0
  and edx, 0x0f
  CHECK_FLAGS(CF | OVERFLOW | ZF | SF | PARITY, ZF | PARITY)
  mov edx, 0x80000001
  shl edx, 1
  CHECK_FLAGS(CF | OVERFLOW, CF | OVERFLOW)
  CHECK_EQ(rdx, 2)
  mov edx, 0x80000001
  sar edx, 1
  CHECK_FLAGS(CF | OVERFLOW | SF, CF | SF)
  CHECK_EQ(rdx, 0xc0000000)
  stc
  mov edx, 0x40000000
  rcl edx, 2                    // through the carry
  CHECK_FLAGS(CF, CF)
  CHECK_EQ(rdx, 2)
  mov eax, 1
  stc
  shl eax, 0                    // count 0 leaves every flag
  CHECK_FLAGS(CF, CF)
  mov eax, 0xffffffff
  mov ebx, 2
  mul ebx
  CHECK_FLAGS(CF | OVERFLOW, CF | OVERFLOW)
  CHECK_EQ(rdx, 1)
  CHECK_EQ(rax, 0xfffffffe)
  mov rax, -7
  cqo
  mov rbx, 2
  idiv rbx
  CHECK_EQ(rax, -3)
  CHECK_EQ(rdx, -1)
  imul rbx, rax, -5
  CHECK_EQ(rbx, 15)
  mov ebx, 0
  mov eax, 12
  bsf edx, ebx
  CHECK_FLAGS(ZF, ZF)
  bsr edx, eax
  CHECK_EQ(rdx, 3)
  bt eax, 2
  CHECK_FLAGS(CF, CF)
  btr eax, 2
  CHECK_EQ(rax, 8)
  mov ecx, 0x100
  mov ebx, -1                   // writing a 32-bit register clears the upper half
  mov rax, 0x8000000000000000
  pass
