// An access across the end of RAM reaches both sides; so does one across two mappings, RAM and device.
#include "long.inc"
  mov ebx, RAM_END
  mov rax, 0x1122334455667788
  mov [rbx - 3], rax
  mov ecx, [rbx]
  CHECK_EQ(rcx, 0x22334455)
  mov ecx, [rbx - 4]
  shr ecx, 8
  CHECK_EQ(rcx, 0x667788)
  CHECK_EQ([rbx - 3], 0x1122334455667788)
  mov qword ptr ds:[WINDOW_PT], 0x300000 | P | RW
  mov rax, ECHO | P | RW
  mov ds:[WINDOW_PT + 8], rax
  movabs rbx, WINDOW + 0xffe
  mov dword ptr [rbx], 0xaabbccdd
  CHECK_EQ([0x300ff8], 0xccdd000000000000)
  mov ecx, ECHO
  movzx eax, word ptr [rcx]
  CHECK_EQ(rax, 0xaabb)
  mov eax, [rbx]
  CHECK_EQ(rax, 0xaabbccdd)
  add dword ptr [rbx], 0x11111111
  mov eax, [rbx]
  mov ebp, eax
  CHECK_EQ(rax, 0xbbccddee)
  pass
