// A page-fault handler that maps the page and returns: the instruction runs again, as if nothing had happened.
#include "long.inc"
  install_traps
  SET_GATE(PF, handler, 0, 0)
  xor r8d, r8d
  movabs rbx, WINDOW
  mov ecx, 100
  xor eax, eax
again:
  stc
  adc qword ptr [rbx], 7                // flags and everything else survive the fault
  pushfq
  pop rdx
  and edx, CF | ZF
  CHECK_EQ(rdx, 0)
  add rax, [rbx]
  add rbx, 0x1000
  dec ecx
  jnz again
  CHECK_EQ(rax, 800)
  CHECK_EQ(r8, 100)
  movabs rbx, WINDOW + 0x180ffc
  mov qword ptr [rbx], -1               // two faults for one instruction
  CHECK_EQ(r8, 102)
  CHECK_EQ([rbx], -1)
  pass
handler:
  push rax
  push rdx
  mov rax, cr2
  movabs rdx, WINDOW
  sub rax, rdx
  shr rax, 12
  lea rdx, [rax + 0x400]
  shl rdx, 12
  or rdx, P | RW
  mov [rax * 8 + WINDOW_PT], rdx
  inc r8
  pop rdx
  pop rax
  add rsp, 8
  iretq
  define_traps
