// bt, bts, btr and btc with a register index reach bits outside the operand, before and after it.
#include "long.inc"
  mov qword ptr ds:[DATA + 0x20], 0
  mov ebx, DATA + 0x20
  mov rax, 64 * 3 + 5
  bts [rbx], rax
  CHECK_FLAGS(CF, 0)
  CHECK_EQ([DATA + 0x38], 0x20)
  mov rax, -1
  bts [rbx], rax
  CHECK_EQ([DATA + 0x18], 0x8000000000000000)
  mov rax, -1
  bt [rbx], rax
  CHECK_FLAGS(CF, CF)
  mov eax, -32
  btc [rbx], eax
  CHECK_EQ([DATA + 0x18], 0x8000000100000000)
  mov rax, -1
  lock btr [rbx], rax
  CHECK_FLAGS(CF, CF)
  CHECK_EQ([DATA + 0x18], 0x100000000)
  mov ax, -1
  bts word ptr [rbx], ax
  CHECK_EQ([DATA + 0x18], 0x8000000100000000)
  bts dword ptr [rbx], 35               // an immediate index wraps
  CHECK_EQ([DATA + 0x20], 8)
  pass
