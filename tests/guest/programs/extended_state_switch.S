// xsave64 and xrstor64 as a context switch uses them: areas across pages that lie together or apart, parts of the state,
// headers that are refused, and vector registers that survive a page fault.
// needs: xsave avx
#include "long.inc"
  install_traps
  SET_GATE(PF, handler, 0, 0)
  xor r8d, r8d
  mov rax, cr4
  or eax, 0x40600               // OSFXSR, OSXMMEXCPT, OSXSAVE
  mov cr4, rax
  xor ecx, ecx
  xor edx, edx
  mov eax, 7
  xsetbv
  mov qword ptr ds:[WINDOW_PT], 0x300000 | P | RW
  mov qword ptr ds:[WINDOW_PT + 8], 0x301000 | P | RW
  mov qword ptr ds:[WINDOW_PT + 16], 0x310000 | P | RW
  movabs rsi, WINDOW + 0xf00    // frames that lie together
  movabs rdi, WINDOW + 0x1e00   // frames that do not
  mov r12d, 50
again:
  mov eax, 7
  xor edx, edx
  movabs r9, 0x1111222233334444
  vmovq xmm3, r9
  vinserti128 ymm3, ymm3, xmm3, 1
  xsave64 [rsi]
  vpxor ymm3, ymm3, ymm3
  xsaveopt64 [rdi]
  xrstor64 [rsi]
  vmovq r10, xmm3
  CHECK_EQ(r10, 0x1111222233334444)
  vextracti128 xmm4, ymm3, 1
  vmovq r10, xmm4
  CHECK_EQ(r10, 0x1111222233334444)
  mov eax, 3                    // not the upper halves
  xrstor64 [rdi]
  vmovq r10, xmm3
  CHECK_EQ(r10, 0)
  vextracti128 xmm4, ymm3, 1
  vmovq r10, xmm4
  CHECK_EQ(r10, 0x1111222233334444)
  mov eax, 7
  mov qword ptr [rsi + 512], 0  // nothing in it: the initial state
  xrstor64 [rsi]
  vextracti128 xmm4, ymm3, 1
  vmovq r10, xmm4
  CHECK_EQ(r10, 0)
  mov qword ptr [rsi + 512], 0x20       // a feature that is off
  EXPECT_TRAP(GP, 0, xrstor64 [rsi])
  mov qword ptr [rsi + 512], 7
  mov qword ptr [rsi + 520], 1
  EXPECT_TRAP(GP, 0, xrstor64 [rsi])
  mov qword ptr [rsi + 520], 0
  mov dword ptr [rsi + 24], 0x80001f80  // MXCSR
  EXPECT_TRAP(GP, 0, xrstor64 [rsi])
  mov dword ptr [rsi + 24], 0x1f80
  EXPECT_TRAP(GP, 0, xsave64 [rsi + 16])
  vmovq xmm3, r9
  movabs rbx, WINDOW + 0x8000
  mov qword ptr ds:[WINDOW_PT + 0x40], 0
  invlpg [rbx]
  stc
  vmovdqa [rbx], xmm3           // the handler maps the page
  CHECK_FLAGS(CF, CF)
  CHECK_EQ([rbx], 0x1111222233334444)
  vmovq r10, xmm3
  CHECK_EQ(r10, 0x1111222233334444)
  mov qword ptr ds:[WINDOW_PT + 0x40], 0
  invlpg [rbx]
  EXPECT_TRAP(GP, 0, movdqa xmm3, [rbx + 8])    // before its page fault
  dec r12d
  jnz again
  CHECK_EQ(r8, 50)
  pass
handler:
  mov qword ptr ds:[WINDOW_PT + 0x40], 0x320000 | P | RW
  inc r8d
  add rsp, 8
  iretq
  define_traps
