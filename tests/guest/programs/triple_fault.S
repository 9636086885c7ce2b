// A fault without any handler shuts the processor down.
// result: shutdown
#include "long.inc"
  lidt [no_idt]
  ud2
  FAIL
.align 8
no_idt:
  .word 0
  .quad 0
