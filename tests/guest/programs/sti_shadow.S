// The instruction after sti, and after a load of SS, takes no interrupt.
// skip: kvm-software it tests for interrupts every so many instructions only
#include "long.inc"
  install_traps
  SET_GATE(0x30, handler, 0, 0)
  mov eax, 0x30
  out PORT_INTERRUPT, al
  sti
  inc rcx                       // in the shadow
after:
  nop
  CHECK_EQ(rbx, 1)
  CHECK_EQ([DATA], offset after)
  cli
  xor ecx, ecx
  mov eax, 0x30
  out PORT_INTERRUPT, al
  sti
  cli                           // sti; cli lets nothing in
  nop
  nop
  CHECK_EQ(rbx, 1)
  mov edx, KERNEL_DATA
  sti
  mov ss, edx                   // the first shadow ends here, the second begins
after_ss:
  nop
after_ss_next:
  nop
  CHECK_EQ(rbx, 2)
  mov rax, [DATA]
  sub rax, offset after_ss
  cmp rax, after_ss_next - after_ss
  jbe 1f
  FAIL
1:
  cli
  pass
handler:
  inc rbx
  push rax
  mov rax, [rsp + 8]
  mov ds:[DATA], rax
  pop rax
  iretq
  define_traps
