// enter with nesting levels copies the frame pointers of the enclosing procedures.
// skip: kvm-software its instruction emulator knows enter at level 0 only
#include "long.inc"
  mov qword ptr ds:[0x90000 - 16], 0x77         // where level 2 finds the frame pointer to copy
  lea rbp, [rsp - 8]
  enter 8, 2
  CHECK_EQ(rsp, 0x90000 - 8 - 16 - 8)
  CHECK_EQ(rbp, 0x90000 - 8)
  CHECK_EQ([rbp - 8], 0x77)
  CHECK_EQ([rbp - 16], 0x90000 - 8)
  leave
  CHECK_EQ(rsp, 0x90000)
  CHECK_EQ(rbp, 0x90000 - 8)
  pass
