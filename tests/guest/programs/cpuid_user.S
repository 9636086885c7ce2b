// cpuid in ring 3 answers as in ring 0 and leaves flags and upper halves as it should; OSXSAVE follows CR4.
// skip: kvm-software its leaf 1 shows OSXSAVE of the host
#include "long.inc"
#include "user.inc"
#define OSXSAVE (1 << 27)
#define CR4_OSXSAVE (1 << 18)
#define ANSWER DATA
  install_traps
  map_user_pages
  mov r12d, 30                          // often enough for every path to have been taken
again:
  xor eax, eax
  xor ecx, ecx
  cpuid
  mov ds:[ANSWER], rbx
  mov r8, 0xffffffff00000000
  mov r9, 0xffffffff00000000
  EXPECT_USER_TRAP(UD, 0, user_cpuid)
  cmp rbx, ds:[ANSWER]
  je 1f
  FAIL
1:
  mov r13, ds:[TRAP_FLAGS]
  and r13, ARITHMETIC
  CHECK_EQ(r13, OVERFLOW | SF | AF | CF)
  CHECK_EQ(r11, 0)                      // no upper half is left
  mov rax, cr4
  or rax, CR4_OSXSAVE
  mov cr4, rax
  mov r8d, 1
  xor r9d, r9d
  EXPECT_USER_TRAP(UD, 0, user_cpuid)
  and ecx, OSXSAVE
  CHECK_EQ(rcx, OSXSAVE)
  mov rax, cr4
  and rax, ~CR4_OSXSAVE
  mov cr4, rax
  EXPECT_USER_TRAP(UD, 0, user_cpuid)
  and ecx, OSXSAVE
  CHECK_EQ(rcx, 0)
  dec r12d
  jnz again
  pass
  define_traps
  user_code_begins
user_cpuid:
  mov rdx, -1
  mov rbx, -1
  mov al, 0x7f
  add al, 1                             // OF, SF and AF
  stc
  mov rax, r8
  mov rcx, r9
  cpuid
  lea r11, [rax]
  mov r10, rcx
  bswap r11
  mov r11d, r11d                        // the upper halves, turned round
  bswap r10
  mov r10d, r10d
  lea r11, [r11 + r10]
  mov r10, rdx
  bswap r10
  mov r10d, r10d
  lea r11, [r11 + r10]
  mov r10, rbx
  bswap r10
  mov r10d, r10d
  lea r11, [r11 + r10]
  ud2
