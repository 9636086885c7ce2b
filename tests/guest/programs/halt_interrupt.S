// hlt waits for an interrupt; the handler returns behind it; IF decides.
// expect: rbx=0x2 rcx=0x77
#include "long.inc"
  install_traps
  SET_GATE(0x30, handler, 0, 0)
  mov ecx, 0x77
  mov eax, 0x30
  out PORT_INTERRUPT_HALTED, al
  sti
  hlt
behind:
  CHECK_EQ(rbx, 1)
  CHECK_EQ([DATA], offset behind)
  cli
  mov eax, 0x30
  out PORT_INTERRUPT, al        // waits while IF is clear
  nop
  nop
  CHECK_EQ(rbx, 1)
  sti
  mov edx, 1000000              // a KVM without hardware may deliver it late
1:
  dec edx
  jz 2f
  cmp ebx, 2
  jne 1b
2:
  CHECK_EQ(rbx, 2)
  CHECK_EQ(rcx, 0x77)
  cli
  pass
handler:
  inc rbx
  push rax
  mov rax, [rsp + 8]
  mov ds:[DATA], rax
  mov rax, [rsp + 24]
  mov ds:[DATA + 8], rax
  pop rax
  iretq
  define_traps
