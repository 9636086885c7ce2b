// xsave, xrstor, xgetbv and xsetbv: what is saved, initial states, bad headers, bad XCR0.
// needs: xsave avx
#include "long.inc"
  install_traps
  mov rax, cr4
  bts rax, 18
  mov cr4, rax
  xor ecx, ecx
  xor edx, edx
  mov eax, 6
  EXPECT_TRAP(GP, 0, xsetbv)            // x87 cannot be switched off
  mov eax, 5
  EXPECT_TRAP(GP, 0, xsetbv)            // AVX needs SSE
  mov eax, 3
  mov edx, 0x40000000
  EXPECT_TRAP(GP, 0, xsetbv)
  mov ecx, 1
  xor edx, edx
  EXPECT_TRAP(GP, 0, xsetbv)
  xor ecx, ecx
  mov eax, 7
  xsetbv
  vmovdqu ymm3, [rip + pattern]
  fld1
  mov eax, -1
  mov edx, -1
  xsave [rip + area]
  mov rax, [rip + area + 512]           // XSTATE_BV
  and eax, 7
  CHECK_EQ(rax, 7)
  CHECK_EQ([area + 160 + 48], 0x1111111111111111)
  CHECK_EQ([area + 576 + 48], 0x3333333333333333)
  vpxor ymm3, ymm3, ymm3
  fninit
  mov eax, 4                            // only the upper halves
  xor edx, edx
  xrstor [rip + area]
  vmovdqu ds:[DATA], ymm3
  CHECK_EQ([DATA], 0)
  CHECK_EQ([DATA + 16], 0x3333333333333333)
  mov eax, 3
  xrstor [rip + area]
  vmovdqu ds:[DATA], ymm3
  CHECK_EQ([DATA], 0x1111111111111111)
  CHECK_EQ([DATA + 24], 0x4444444444444444)
  fstp qword ptr ds:[DATA]
  CHECK_EQ([DATA], 0x3ff0000000000000)
  mov qword ptr [rip + area + 512], 0   // everything to its initial state
  mov eax, 7
  xrstor [rip + area]
  vmovdqu ds:[DATA], ymm3
  CHECK_EQ([DATA], 0)
  CHECK_EQ([DATA + 24], 0)
  mov qword ptr [rip + area + 520], 1   // XCOMP_BV must be 0
  EXPECT_TRAP(GP, 0, xrstor [rip + area])
  mov qword ptr [rip + area + 520], 0
  mov qword ptr [rip + area + 512], 0x100000
  EXPECT_TRAP(GP, 0, xrstor [rip + area])
  mov qword ptr [rip + area + 512], 0
  // the 64-bit form, with headers, MXCSR and addresses that it refuses; afterwards vector code goes on
  fld1
  vmovdqu ymm3, [rip + pattern]
  mov eax, -1
  mov edx, -1
  xsave64 [rip + area]
  mov eax, 7
  xor edx, edx
  mov qword ptr [rip + area + 520], 1
  EXPECT_TRAP(GP, 0, xrstor64 [rip + area])
  call check_pattern
  mov rax, 0x8000000000000000           // compacted
  mov [rip + area + 520], rax
  mov eax, 7
  EXPECT_TRAP(GP, 0, xrstor64 [rip + area])
  call check_pattern
  mov qword ptr [rip + area + 520], 0
  mov qword ptr [rip + area + 528], 2
  EXPECT_TRAP(GP, 0, xrstor64 [rip + area])
  call check_pattern
  mov qword ptr [rip + area + 528], 0
  mov qword ptr [rip + area + 512], 0x100000
  EXPECT_TRAP(GP, 0, xrstor64 [rip + area])
  call check_pattern
  mov qword ptr [rip + area + 512], 7
  mov dword ptr [rip + area + 24], 0xffffffff
  EXPECT_TRAP(GP, 0, xrstor64 [rip + area])
  call check_pattern
  EXPECT_TRAP(GP, 0, xrstor64 [rip + area + 8])
  call check_pattern
  mov rbx, WINDOW + 0x5000
  EXPECT_TRAP(PF, 0, xrstor64 [rbx])
  call check_pattern
  EXPECT_TRAP(GP, 0, xsave [rip + area + 8])
  EXPECT_TRAP(UD, 0, .byte 0xf0, 0x0f, 0xae, 0x20)      // lock xsave [rax]
  pass
check_pattern:
  push rax
  vmovdqu ds:[DATA], ymm3
  CHECK_EQ([DATA], 0x1111111111111111)
  CHECK_EQ([DATA + 24], 0x4444444444444444)
  fst qword ptr ds:[DATA]
  CHECK_EQ([DATA], 0x3ff0000000000000)
  pop rax
  ret
  define_traps
.align 64
area: .fill 1024, 1, 0
pattern: .quad 0x1111111111111111, 0x2222222222222222, 0x3333333333333333, 0x4444444444444444
