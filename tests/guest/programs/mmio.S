// Memory-mapped devices: all widths, read-modify-write, extension, push and pop, strings, one access each.
#include "long.inc"
  mov ebx, ECHO
  mov rax, 0x1122334455667788
  mov [rbx], rax
  CHECK_EQ([rbx], 0x1122334455667788)
  mov [rbx + 0x11], al
  mov [rbx + 0x21], ax                  // unaligned
  mov [rbx + 0x31], eax
  xor ecx, ecx
  mov cl, [rbx + 0x11]
  CHECK_EQ(rcx, 0x88)
  movzx ecx, word ptr [rbx + 0x21]
  CHECK_EQ(rcx, 0x7788)
  movsx rcx, word ptr [rbx + 0x21]
  CHECK_EQ(rcx, 0x7788)
  movsxd rcx, dword ptr [rbx + 0x31]
  CHECK_EQ(rcx, 0x55667788)
  mov ecx, [rbx + 0x31]
  CHECK_EQ(rcx, 0x55667788)
  mov edx, [rip + count_address]
  mov eax, [rdx]
  mov esi, eax
  mov ecx, [rbx]                        // exactly one access
  mov eax, [rdx]
  sub eax, esi
  CHECK_EQ(rax, 1)
  add dword ptr [rbx], 1                // a read and a write
  mov eax, [rdx]
  sub eax, esi
  CHECK_EQ(rax, 3)
  mov eax, [rbx]
  CHECK_EQ(rax, 0x55667789)
  or byte ptr [rbx + 0x11], 1
  neg word ptr [rbx + 0x21]
  mov cl, 4
  shl dword ptr [rbx + 0x31], cl
  mov eax, [rbx + 0x31]
  CHECK_EQ(rax, 0x56677880)
  mov eax, 5
  xchg eax, [rbx + 0x40]
  lock xadd [rbx + 0x40], eax
  CHECK_EQ([rbx + 0x40], 5)
  mov eax, 5
  mov ecx, 9
  lock cmpxchg [rbx + 0x40], ecx
  CHECK_FLAGS(ZF, ZF)
  mov eax, [rbx + 0x40]
  CHECK_EQ(rax, 9)
  test dword ptr [rbx + 0x40], 8
  CHECK_FLAGS(ZF, 0)
  cmp byte ptr [rbx + 0x40], 9
  CHECK_FLAGS(ZF | CF, ZF)
  push qword ptr [rbx]
  pop qword ptr [rbx + 0x50]
  mov rax, [rbx]
  cmp rax, [rbx + 0x50]
  CHECK_FLAGS(ZF, ZF)
  mov edi, ECHO + 0x100
  mov al, 0x5a
  mov ecx, 16
  rep stosb
  mov esi, ECHO + 0x100
  mov edi, DATA
  mov ecx, 2
  rep movsq
  CHECK_EQ([DATA + 8], 0x5a5a5a5a5a5a5a5a)
  CHECK_EQ(rcx, 0)
  mov dword ptr [rbx + 0x200], offset target
  mov dword ptr [rbx + 0x204], 0
  jmp [rbx + 0x200]
  FAIL
target:
  mov eax, ds:[0xe0000000]              // nobody there
  CHECK_EQ(rax, 0xffffffff)
  pass
.align 4
count_address: .long ECHO_COUNT
