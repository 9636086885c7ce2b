// A startup IPI starts the second processor in real mode at its vector's page, with CS to match.
// start: real
// vcpus: 2
// memory: 0x7000 = 00 09 34 12
#include "real.inc"
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov si, offset second
  mov di, 0x9000
  mov cx, second_end - second
  rep movsb
  mov al, 9
  out PORT_SIPI, al
1:
  pause
  cmp word ptr [0x7002], 0x1234
  jne 1b
  pass
second:
  mov ax, cs
  xor bx, bx
  mov ds, bx
  mov [0x7000], ax
  mov word ptr [0x7002], 0x1234
  cli
  hlt
second_end:
