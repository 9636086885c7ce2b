// Decimal and ASCII adjustment, which 64-bit code does not have.
// start: real
// skip: kvm-software its instruction emulator has no daa
#include "real.inc"
  mov al, 0x79
  add al, 0x35
  daa                                   // 79 + 35 = 114 decimal
  CHECK16(al, 0x14)
  mov ax, 0x0105
  mov bl, 9
  aad
  CHECK16(al, 15)
  aam
  CHECK16(ax, 0x0105)
  mov al, 0x15
  sub al, 0x29
  das
  CHECK16(al, 0x86)
  mov ax, 0x0009
  add al, 5
  aaa
  CHECK16(ax, 0x0104)
  mov ax, 0x0203
  sub al, 5
  aas
  CHECK16(ax, 0x0108)
  pass
