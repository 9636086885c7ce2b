// Cache control, fences, prefetches, pause and long nops change nothing.
#include "long.inc"
  mov rbx, DATA
  mov qword ptr [rbx], 0x1234
  wbinvd
  invd
  clflush [rbx]
  prefetcht0 [rbx]
  prefetchnta [rbx]
  mov rcx, 0x800000000000
  prefetcht0 [rcx]                      // never faults
  mfence
  lfence
  sfence
  pause
  .byte 0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0
  nop dword ptr [rcx]
  xchg eax, eax
  CHECK_EQ([DATA], 0x1234)
  pass
