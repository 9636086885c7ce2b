// A non-maskable interrupt comes with IF clear, and the next one only after iret.
#include "long.inc"
  install_traps
  SET_GATE(NMI, handler, 0, 1)
  cli
  out PORT_NMI, al
  nop
  nop
  CHECK_EQ(rbx, 1)
  mov ebp, 1
  out PORT_NMI, al              // its handler asks for another one
  mov ecx, 1000000              // a KVM without hardware may deliver it late
1:
  dec ecx
  jz 2f
  cmp ebx, 3
  jne 1b
2:
  CHECK_EQ(rbx, 3)
  CHECK_EQ(rdx, 0)              // which did not nest
  pass
handler:
  inc rbx
  test esi, esi
  jz 3f
  inc edx
3:
  cmp ebp, 1
  jne 4f
  xor ebp, ebp
  mov esi, 1
  out PORT_NMI, al
  nop
  nop
  xor esi, esi
4:
  iretq
  define_traps
