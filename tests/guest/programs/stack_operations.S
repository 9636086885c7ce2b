// push, pop, enter, leave, pushf: operand sizes, RSP as operand, memory operands, flags left alone.
#include "long.inc"
  mov rbp, rsp
  push rsp                              // the value before
  pop rax
  CHECK_EQ(rax, 0x90000)
  push 0x1234
  pop rsp                               // the value popped
  CHECK_EQ(rsp, 0x1234)
  mov rsp, rbp
  push -1                               // sign-extended
  CHECK_EQ([rsp], -1)
  push word ptr [rsp]                   // two bytes
  CHECK_EQ(rsp, 0x90000 - 10)
  pop ax
  pop rax
  push 0x80000000 - 1
  mov qword ptr ds:[DATA], 0x55
  push qword ptr ds:[DATA]
  pop qword ptr [rsp]                   // RSP after the pop addresses the operand
  CHECK_EQ([rsp], 0x55)
  mov rsp, rbp
  stc
  push rax
  pop rcx
  lea rdx, [rdx + 1]
  CHECK_FLAGS(CF, CF)
  push 7
  mov rbp, rsp
  enter 32, 0
  CHECK_EQ(rbp, 0x90000 - 16)
  CHECK_EQ(rsp, 0x90000 - 48)
  leave
  CHECK_EQ(rbp, 0x90000 - 8)
  push fs
  pop rax
  CHECK_EQ(rax, KERNEL_DATA)
  mov rax, 0x1122334455667788
  push rax
  pop cx                                // two bytes only
  CHECK_EQ(rsp, 0x90000 - 14)
  pass
