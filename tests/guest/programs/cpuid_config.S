// cpuid answers exactly what the machine configured, row by row; leaves out of range answer as the highest does.
// skip: kvm-software its leaf 1 shows features of the host that were not configured
#include "long.inc"
  mov ebp, ds:[CPUID_COPY]
  mov esi, CPUID_COPY + 8
next_row:
  mov eax, [rsi]
  mov ecx, [rsi + 4]
  cmp eax, 0xd                          // sizes and dynamic bits are the processor's
  je skip
  cmp eax, 6
  je skip
  mov edi, eax
  cpuid
  cmp eax, [rsi + 8]
  jne mismatch
  cmp edi, 1
  je feature_row
  cmp ecx, [rsi + 16]
  jne mismatch
  cmp edi, 7
  je 1f
  cmp ebx, [rsi + 12]
  jne mismatch
1:
  cmp edx, [rsi + 20]
  jne mismatch
skip:
  add esi, 24
  dec ebp
  jnz next_row
  mov rax, 0xffffffff40000000           // upper halves are ignored on input and cleared on output
  mov rbx, -1
  cpuid
  CHECK_EQ(rbx, 0x756d7543)
  CHECK_EQ(rcx, 0x5474656c)
  CHECK_EQ(rdx, 0x00747365)
  pass
feature_row:                            // OSXSAVE and the APIC bit change at run time
  mov eax, [rsi + 16]
  xor eax, ecx
  and eax, ~(1 << 27)
  jnz mismatch
  mov eax, [rsi + 20]
  xor eax, edx
  and eax, ~(1 << 9)
  jz skip
mismatch:
  mov eax, [rsi]
  or eax, 0x1000000
  out PORT_FAIL, eax
