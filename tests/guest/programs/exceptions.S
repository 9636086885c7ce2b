// Faults of instructions: #DE, #UD, #GP, #SS, #NP and their error codes, with the faulting RIP.
#include "long.inc"
  install_traps
  xor ecx, ecx
  mov eax, 1
  xor edx, edx
  EXPECT_TRAP(DE, 0, div ecx)
  mov eax, 0
  mov edx, 5
  mov ecx, 4
  EXPECT_TRAP(DE, 0, div ecx)
  CHECK_EQ(rdx, 5)                              // nothing changed
  mov rax, 0x8000000000000000
  cqo
  mov rcx, -1
  EXPECT_TRAP(DE, 0, idiv rcx)
  mov qword ptr ds:[DATA], 0
  mov rbx, DATA
  EXPECT_TRAP(DE, 0, div qword ptr [rbx])
  EXPECT_TRAP(UD, 0, ud2)
  EXPECT_TRAP(UD, 0, .byte 0x06)                // push es does not exist in 64-bit mode
  EXPECT_TRAP(UD, 0, .byte 0xf0, 0x90)         // lock nop
  EXPECT_TRAP(UD, 0, .byte 0xf0, 0x01, 0xc0)  // lock on a register
  EXPECT_TRAP(UD, 0, .byte 0x0f, 0x0b)
  mov rbx, 0x800000000000
  EXPECT_TRAP(GP, 0, mov rax, [rbx])           // not canonical
  EXPECT_TRAP(GP, 0, mov [rbx], rax)
  mov rbp, 0x800000000000
  EXPECT_TRAP(SS_FAULT, 0, mov rax, [rbp])     // through the stack segment
  SET_GATE(SS_FAULT, trap_stubs + 16 * SS_FAULT, 0, 1)
  mov rbx, rsp
  mov rbp, 0x800000001000
  mov rsp, rbp
  arm_trap 2f
  mov qword ptr ds:[TRAP_STACK], rbx
  push rax
2:
  CHECK_EQ([TRAP_VECTOR], SS_FAULT)             // taken on another stack
  CHECK_EQ([TRAP_RSP], 0x800000001000)
  mov ax, ABSENT_DATA
  EXPECT_TRAP(NP, ABSENT_DATA, mov ds, ax)
  EXPECT_TRAP(SS_FAULT, ABSENT_DATA, mov ss, ax)
  mov ax, 0x1000
  EXPECT_TRAP(GP, 0x1000, mov ds, ax)          // beyond the GDT
  mov ax, KERNEL_CODE
  EXPECT_TRAP(GP, KERNEL_CODE, mov ss, ax)
  EXPECT_TRAP(UD, 0, .byte 0x8e, 0xc8)         // mov cs, ax
  pass
  define_traps
