// Hardware breakpoints: on execution before the instruction, on data after it; general detect.
// skip: kvm-software its instruction emulator has no data breakpoints
#include "long.inc"
  install_traps
  mov rax, offset target
  mov dr0, rax
  mov rax, DATA + 4
  mov dr1, rax
  mov eax, 0x00d00408           // DR1, global: write, 4 bytes
  mov dr7, rax
  arm_trap 1f
  mov dword ptr ds:[DATA + 4], 5
after_write:
  nop
1:
  CHECK_EQ([TRAP_VECTOR], DB)
  CHECK_EQ([TRAP_RIP], offset after_write)
  mov rax, [TRAP_DR6]
  and eax, 0x400f
  CHECK_EQ(rax, 2)
  CHECK_EQ([DATA], 0x500000000)
  xor eax, eax
  mov dr6, rax
  mov eax, ds:[DATA + 4]        // reads do not match
  mov byte ptr ds:[DATA + 8], 1 // neighbours do not match
  mov eax, 0x402                // now only DR0: execution
  mov dr7, rax
  arm_trap 2f
target:
  nop
2:
  CHECK_EQ([TRAP_VECTOR], DB)
  CHECK_EQ([TRAP_RIP], offset target)
  mov rax, [TRAP_FLAGS]
  and eax, 0x10000              // RF is clear in the frame: the handler must set it to get past
  CHECK_EQ(rax, 0)
  mov rax, [TRAP_DR6]
  and eax, 0x400f
  CHECK_EQ(rax, 1)
  SET_GATE(DB, resume, 0, 0)
  mov rbx, offset target2
  mov dr0, rbx
  xor ebx, ebx
target2:
  inc ebx
  CHECK_EQ(rbx, 1)
  CHECK_EQ(rdi, 0x77)
  SET_GATE(DB, trap_stubs + 16 * DB, 0, 0)
  mov eax, 0x2400               // general detect
  mov dr7, rax
  EXPECT_TRAP(DB, 0, mov rax, dr0)
  mov rax, [TRAP_DR6]
  and eax, 0x2000
  CHECK_EQ(rax, 0x2000)
  pass
resume:
  mov edi, 0x77
  or qword ptr [rsp + 16], 0x10000
  iretq
  define_traps
