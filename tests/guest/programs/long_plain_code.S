// A long run of computing instructions: flags through it, a jump into its middle, and a change in its middle.
// expect: rbx=0x3
#include "long.inc"
  mov ebp, 3
again:
  xor eax, eax
  xor ecx, ecx
  call run
  CHECK_EQ(rax, 120)
  CHECK_EQ(rcx, 1)                      // the carry of the last addition
  mov eax, 0xffffffc4                   // -60: into the middle, and through zero
  xor ecx, ecx
  call middle
  CHECK_EQ(rax, 0)
  CHECK_EQ(rcx, 1)
  inc ebx
  dec ebp
  jnz again
  mov byte ptr [rip + middle + 2], 11   // add eax, 11 instead of 1
  xor eax, eax
  xor ecx, ecx
  call run
  CHECK_EQ(rax, 130)
  pass
run:
  .rept 60
  add eax, 1
  .endr
middle:
  .rept 60
  add eax, 1
  .endr
  cmp eax, 0x7fffffff
  adc ecx, 0
  ret
