// A processor spins with interrupts on while another one works; its interrupt arrives all the same.
// vcpus: 2
#include "long.inc"
  install_traps
  SET_GATE(0x30, handler, 0, 0)
  mov eax, offset second
  out PORT_START, eax
  sti
1:
  lock inc qword ptr ds:[DATA + 0x40]
  cmp dword ptr ds:[DATA], 50
  jb 1b
  cli
  pass
second:
  mov ecx, 50
2:
  mov eax, 0x30
  out PORT_INTERRUPT, al                // to itself
  sti
  nop
  nop
3:
  pause
  cmp dword ptr ds:[DATA + 0x80], 0
  je 3b
  cli
  mov dword ptr ds:[DATA + 0x80], 0
  inc dword ptr ds:[DATA]
  dec ecx
  jnz 2b
  hlt
handler:
  mov dword ptr ds:[DATA + 0x80], 1
  iretq
  define_traps
