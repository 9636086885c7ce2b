// 32-bit paging: 4 KiB and 4 MiB pages, accessed and dirty bits, write protection; and PAE paging with NX.
// start: protected
// skip: kvm-software it has long-mode paging only
#include "protected.inc"
#define DIRECTORY 0x300000
#define TABLE 0x301000
  install_traps
  mov dword ptr ds:[DIRECTORY], 0x83            // 0 to 4 MiB, one large page
  mov dword ptr ds:[DIRECTORY + 4], TABLE | 3
  mov dword ptr ds:[TABLE], 0x302000 | 1        // read-only
  mov dword ptr ds:[0x302010], 0x77
  mov eax, cr4
  or eax, 0x10
  mov cr4, eax
  mov eax, DIRECTORY
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80010000
  mov cr0, eax
  jmp 1f
1:
  mov eax, ds:[0x400010]
  CHECK_EQ(eax, 0x77)
  mov eax, ds:[TABLE]
  CHECK_EQ(eax, 0x302021)
  EXPECT_TRAP(PF, 3, mov ds:[0x400010], eax)
  CHECK_EQ(dword ptr ds:[TRAP_CR2], 0x400010)
  EXPECT_TRAP(PF, 0, mov eax, ds:[0x401000])
  EXPECT_TRAP(PF, 2, mov ds:[0x800000], eax)
  mov eax, ds:[DIRECTORY]
  CHECK_EQ(eax, 0xe3)                           // accessed and dirty
  mov eax, cr0
  and eax, 0x7fffffff
  mov cr0, eax
  mov dword ptr ds:[0x304000], 0x305001         // PAE: four page-directory pointers
  mov dword ptr ds:[0x304008], 0
  mov dword ptr ds:[0x304010], 0
  mov dword ptr ds:[0x304018], 0
  mov dword ptr ds:[0x305000], 0x83
  mov dword ptr ds:[0x305008], 0x83 + 0x200000
  mov dword ptr ds:[0x305010], 0x306003
  mov dword ptr ds:[0x306000], 0x302003
  mov dword ptr ds:[0x306004], 0x80000000       // not executable
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x800
  wrmsr
  mov eax, cr4
  or eax, 0x20
  mov cr4, eax
  mov eax, 0x304000
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  mov eax, ds:[0x400010]
  CHECK_EQ(eax, 0x77)
  arm_trap 2f
  mov eax, 0x400000
  jmp eax
2:
  CHECK_EQ(dword ptr ds:[TRAP_VECTOR], PF)
  CHECK_EQ(dword ptr ds:[TRAP_ERROR], 0x11)
  EXPECT_TRAP(PF, 0, mov eax, ds:[0x40000000])
  pass
  define_traps
