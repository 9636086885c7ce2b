// Calls, returns and jumps of every kind: tables, mismatched returns, recursion, loops, far ones.
#include "long.inc"
  xor ebx, ebx
  mov ecx, 300
1:
  mov eax, ecx
  and eax, 3
  mov rax, [rax * 8 + table]
  call rax
  dec ecx
  jnz 1b
  CHECK_EQ(rbx, 75 * (1 + 10 + 100 + 1000))
  lea rax, [rip + after]                // a return to where nobody called from
  push rax
  ret
  FAIL
after:
  mov ecx, 60
  call recurse
  CHECK_EQ(rax, 1830)
  call 2f                               // call as "get rip"
2:
  pop rax
  CHECK_EQ(rax, offset 2b)
  push 0x11
  push 0x22
  call callee                           // ret n
  CHECK_EQ(rsp, 0x90000)
  jmp [rip + pointer]
  FAIL
landed:
  mov ecx, 5
  xor eax, eax
3:
  inc eax
  loop 3b
  CHECK_EQ(rax, 5)
  jrcxz 4f
  FAIL
4:
  mov ecx, 3
  cmp ecx, ecx
5:
  inc eax
  loope 5b
  CHECK_EQ(rax, 6)
  push KERNEL_CODE
  lea rax, [rip + 6f]
  push rax
  .byte 0x48, 0xcb
6:
  mov dword ptr ds:[DATA], offset 7f
  mov word ptr ds:[DATA + 4], KERNEL_CODE
  jmp far ptr ds:[DATA]
7:
  mov dword ptr ds:[DATA], offset far_callee
  call far ptr ds:[DATA]
  CHECK_EQ(rax, 0x99)
  CHECK_EQ(rsp, 0x90000)
  pass
recurse:
  test ecx, ecx
  jz 8f
  push rcx
  dec ecx
  call recurse
  pop rcx
  add eax, ecx
  ret
8:
  xor eax, eax
  ret
callee:
  CHECK_EQ([rsp + 8], 0x22)
  ret 16
far_callee:
  mov eax, 0x99
  .byte 0xcb                            // retf, a frame of doublewords
f0:
  add ebx, 1
  ret
f1:
  add ebx, 10
  ret
f2:
  add ebx, 100
  ret
f3:
  add ebx, 1000
  ret
.align 8
table: .quad f0, f1, f2, f3
pointer: .quad landed
