// From real mode to protected mode to long mode, through compatibility code, and all the way back.
// start: real
// serial: RPCLcr
#include "guest.inc"
.code16
  cli
  mov dx, PORT_SERIAL
  mov al, 'R'
  out dx, al
  xor ax, ax
  mov ds, ax
  lgdt [gdt_pointer]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp KERNEL_CODE32:protected
.code32
protected:
  mov ax, KERNEL_DATA
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov esp, 0x90000
  mov al, 'P'
  out dx, al
  mov eax, cr4
  or eax, 0x20
  mov cr4, eax
  mov eax, PML4
  mov cr3, eax
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x100
  wrmsr
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  rdmsr
  and eax, 0x500                        // LMA has set itself
  cmp eax, 0x500
  je 1f
  FAIL
1:
  mov dx, PORT_SERIAL
  mov al, 'C'                           // compatibility mode: still 32-bit code
  out dx, al
  .byte 0xea                            // jmp far
  .long long_mode
  .word KERNEL_CODE
.code64
long_mode:
  mov rax, 0x1122334455667788
  shr rax, 32
  cmp eax, 0x11223344
  je 1f
  FAIL
1:
  mov dx, PORT_SERIAL
  mov al, 'L'
  out dx, al
  push KERNEL_CODE32
  push offset compatibility
  .byte 0x48, 0xcb              // retf with 64-bit operands
.code32
compatibility:
  mov eax, cr0
  and eax, 0x7fffffff
  mov cr0, eax
  mov ecx, 0xc0000080
  rdmsr
  test eax, 0x400                       // LMA has gone
  jz 1f
  FAIL
1:
  and eax, ~0x100
  wrmsr
  mov dx, PORT_SERIAL
  mov al, 'c'
  out dx, al
  .byte 0xea
  .long code16
  .word KERNEL_CODE16
.code16
code16:
  mov ax, DATA16
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov eax, cr0
  and al, 0xfe
  mov cr0, eax
  .byte 0xea
  .word real_again
  .word 0
real_again:
  xor ax, ax
  mov ds, ax
  mov ss, ax
  mov dx, PORT_SERIAL
  mov al, 'r'
  out dx, al
  pass
.align 8
gdt_pointer:
  .word 0x7f
  .long GDT
