// native_entry: loads a NativeFrame (native.h) into the registers, calls its code, stores the registers back.
    .set FLAGS, 128
    .set CODE, 136
    .set XSAVE, 144
    .set HOST_XSAVE, 152
    .set COMPONENTS, 176

    .text
    .globl cumulet_native_entry
    .type cumulet_native_entry, @function
cumulet_native_entry:
    .cfi_startproc
    endbr64
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    .cfi_adjust_cfa_offset 48
    mov XSAVE(%rdi), %rcx
    test %rcx, %rcx
    jz 1f
    mov COMPONENTS(%rdi), %eax
    xor %edx, %edx
    xrstor64 (%rcx)
1:  push %rdi
    pushq CODE(%rdi)
    .cfi_adjust_cfa_offset 16
    pushq FLAGS(%rdi)
    popfq
    mov 0(%rdi), %rax
    mov 8(%rdi), %rcx
    mov 16(%rdi), %rdx
    mov 24(%rdi), %rbx
    mov 40(%rdi), %rbp
    mov 48(%rdi), %rsi
    mov 64(%rdi), %r8
    mov 72(%rdi), %r9
    mov 80(%rdi), %r10
    mov 88(%rdi), %r11
    mov 96(%rdi), %r12
    mov 104(%rdi), %r13
    mov 112(%rdi), %r14
    mov 120(%rdi), %r15
    mov 56(%rdi), %rdi
    // A fault in the slot continues after this call; the frame is then found at 16(%rsp) of the fault.
    call *(%rsp)
    xchg %rdi, 8(%rsp)
    mov %rax, 0(%rdi)
    mov %rcx, 8(%rdi)
    mov %rdx, 16(%rdi)
    mov %rbx, 24(%rdi)
    mov %rbp, 40(%rdi)
    mov %rsi, 48(%rdi)
    mov %r8, 64(%rdi)
    mov %r9, 72(%rdi)
    mov %r10, 80(%rdi)
    mov %r11, 88(%rdi)
    mov %r12, 96(%rdi)
    mov %r13, 104(%rdi)
    mov %r14, 112(%rdi)
    mov %r15, 120(%rdi)
    pushfq
    popq FLAGS(%rdi)
    pop %rax
    pop 56(%rdi)
    .cfi_adjust_cfa_offset -16
    mov XSAVE(%rdi), %rcx
    test %rcx, %rcx
    jz 2f
    mov COMPONENTS(%rdi), %eax
    xor %edx, %edx
    xsave64 (%rcx)
    mov HOST_XSAVE(%rdi), %rcx
    xrstor64 (%rcx)
2:  pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    .cfi_adjust_cfa_offset -48
    ret
    .cfi_endproc
    .size cumulet_native_entry, . - cumulet_native_entry
    .section .note.GNU-stack, "", @progbits
