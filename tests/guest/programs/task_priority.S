// Lowering CR8 tells the machine; raising it does not.
// skip: kvm-software its instruction emulator does not report CR8
#include "long.inc"
  mov eax, 9
  mov cr8, rax
  in al, PORT_TASK_PRIORITY
  movzx eax, al
  CHECK_EQ(rax, 0)
  mov eax, 3
  mov cr8, rax
  in al, PORT_TASK_PRIORITY
  movzx eax, al
  CHECK_EQ(rax, 1)
  mov rax, cr8
  CHECK_EQ(rax, 3)
  xor eax, eax
  mov cr8, rax
  in al, PORT_TASK_PRIORITY
  movzx eax, al
  CHECK_EQ(rax, 2)
  pass
