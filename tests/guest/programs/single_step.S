// TF traps after each instruction, with DR6.BS; the traps skip nothing and stop with popf.
// expect: rbx=0x3
#include "long.inc"
  install_traps
  SET_GATE(DB, step, 0, 0)
  xor ecx, ecx
  pushfq
  or qword ptr [rsp], TF
  popfq                         // the first trap comes after the instruction behind it
first:
  inc ebx
second:
  inc ebx
third:
  inc ebx
  pushfq
  and qword ptr [rsp], ~TF
  popfq                         // traps once more: TF was set when it began
last:
  nop
  nop
  CHECK_EQ(rcx, 6)
  CHECK_EQ([DATA], offset second)
  CHECK_EQ([DATA + 8], offset third)
  CHECK_EQ([DATA + 40], offset last)
  pass
step:
  push rax
  mov rax, dr6
  and eax, 0x400f
  cmp eax, 0x4000
  je 1f
  FAIL
1:
  mov rax, dr6
  btr rax, 14
  mov dr6, rax
  mov rax, [rsp + 8]
  mov [rcx * 8 + DATA], rax
  inc ecx
  pop rax
  iretq
  define_traps
