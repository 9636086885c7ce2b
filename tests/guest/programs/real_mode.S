// Real mode: segment arithmetic, 16-bit addressing, interrupts through the vector table, far calls, wrap-around.
// start: real
#include "real.inc"
  xor ax, ax
  mov ds, ax
  mov ss, ax
  mov ax, 0x1234
  mov es, ax
  mov word ptr es:[0x10], 0xbeef        // 0x12350
  mov ax, 0x1235
  mov ds, ax
  mov ax, ds:[0]
  CHECK16(ax, 0xbeef)
  xor ax, ax
  mov ds, ax
  mov bx, 0x2000
  mov si, 0x10
  mov di, 0x20
  mov word ptr [0x2010], 0x11
  mov word ptr [0x2025], 0x22
  mov word ptr [0x2030], 0x33
  mov ax, [bx + si]
  CHECK16(ax, 0x11)
  mov ax, [bx + di + 5]
  CHECK16(ax, 0x22)
  mov bp, 0x2000
  mov ax, [bp + di + 0x10]
  CHECK16(ax, 0x33)
  mov ax, [bx + 0x10]
  CHECK16(ax, 0x11)
  mov bx, 0xfff0
  mov word ptr [0x4], 0x4444
  mov ax, [bx + 0x14]                   // 16-bit addresses wrap
  CHECK16(ax, 0x4444)
  mov ebx, 0x2010
  mov eax, [ebx]
  CHECK16(ax, 0x11)
  mov word ptr [0x21 * 4], offset handler
  mov word ptr [0x21 * 4 + 2], 0
  mov bx, sp
  sti
  stc
  int 0x21
  jc 1f
  FAIL
1:
  cli
  CHECK16(sp, bx)
  CHECK16(cx, 0x99)
  pushf
  pop ax
  and ax, 0x200
  CHECK16(ax, 0)
  .byte 0x9a                            // call far 0x0800:(far_target - 0x8000)
  .word far_target - 0x8000
  .word 0x800
  CHECK16(cx, 0x55)
  mov word ptr [0 * 4], offset divide
  mov word ptr [0 * 4 + 2], 0
  xor dx, dx
  xor cx, cx
  mov ax, 5
  div cx                                // the handler sets CX and returns to the same instruction
  CHECK16(ax, 5)
  mov word ptr [3 * 4], offset handler
  mov word ptr [3 * 4 + 2], 0
  xor cx, cx
  int3
  CHECK16(cx, 0x99)
  mov word ptr [4 * 4], offset handler
  mov word ptr [4 * 4 + 2], 0
  xor cx, cx
  mov al, 0x7f
  add al, 1
  into
  CHECK16(cx, 0x99)
  pusha
  mov bp, sp
  CHECK16(word ptr [bp + 12], 0x99)
  popa
  enter 8, 0
  lea ax, [bp - 8]
  CHECK16(sp, ax)
  leave
  mov cx, 3
  xor ax, ax
2:
  add ax, cx
  loop 2b
  CHECK16(ax, 6)
  push 0x7000
  popf
  pushf
  pop ax
  and ax, 0x7000
  CHECK16(ax, 0x7000)
  pass
handler:
  mov cx, 0x99
  iret
divide:
  mov cx, 1
  iret
far_target:
  mov cx, 0x55
  mov ax, cs
  cmp ax, 0x800
  je 1f
  FAIL
1:
  retf
