// 32-bit code in long mode: operand sizes, inc and dec opcodes, 32-bit addresses, and its traps.
// expect: rsi=0x200004
#include "long.inc"
  install_traps
  mov ebx, DATA
  mov rsi, 0xffffffff00200000
  push KERNEL_CODE32
  push offset compatibility
  .byte 0x48, 0xcb
.code32
compatibility:
  mov ecx, 5
  .byte 0x41                            // inc ecx, not a prefix
  mov [ebx], ecx
  mov eax, [esi]                        // addresses are 32 bits
  add esi, 4
  push eax                              // four bytes
  mov edx, esp
  pop eax
  mov [ebx + 8], edx
  mov [ebx + 16], esp
  pushad
  popad
  mov eax, 0x12345678
  .byte 0xa3                            // mov [moffs32], eax
  .long DATA + 24
  jmp KERNEL_CODE:back
.code64
back:
  mov eax, ds:[DATA]
  CHECK_EQ(rax, 6)
  mov eax, ds:[DATA + 8]
  sub eax, ds:[DATA + 16]
  CHECK_EQ(rax, 0xfffffffc)
  CHECK_EQ([DATA + 24], 0x12345678)
  arm_trap 1f
  push KERNEL_CODE32
  push offset faulting
  .byte 0x48, 0xcb
.code32
faulting:
  ud2
.code64
1:
  CHECK_EQ([TRAP_VECTOR], UD)
  CHECK_EQ([TRAP_CS], KERNEL_CODE32)
  CHECK_EQ([TRAP_RIP], offset faulting)
  pass
  define_traps
