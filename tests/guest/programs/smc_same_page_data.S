// Data beside code in one page: many writes there disturb neither.
// expect: rax=0x13880
#include "long.inc"
  xor ebx, ebx
  mov ecx, 20000
again:
  add dword ptr [rip + total], 4        // a variable between instructions
  jmp over
total: .long 0
over:
  add ebx, 4
  dec ecx
  jnz again
  CHECK_EQ(rbx, 80000)
  mov eax, [rip + total]
  pass
