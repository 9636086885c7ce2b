// What every guest program starts with: addresses, ports, and the macros that check and report.
#pragma once

// Memory; the harness's start_state.h has the same list.
#define GDT 0x1000
#define TSS 0x1800
#define IDT 0x2000
#define PML4 0x4000
#define PDPT 0x5000
#define PAGE_DIRECTORY 0x6000
#define WINDOW_PDPT 0xa000
#define WINDOW_PD 0xb000
#define WINDOW_PT 0xc000
#define WINDOW 0x8000000000
#define CPUID_COPY 0xe000
#define DATA 0x200000
#define RAM_END 0x1000000
#define ECHO 0xd0000000
#define ECHO_COUNT 0xd0001000

// What the last trap found (64-bit programs; 32-bit ones use the low halves).
#define TRAP_VECTOR 0xd000
#define TRAP_ERROR 0xd008
#define TRAP_RIP 0xd010
#define TRAP_CS 0xd018
#define TRAP_FLAGS 0xd020
#define TRAP_RSP 0xd028
#define TRAP_SS 0xd030
#define TRAP_CR2 0xd038
#define TRAP_HANDLER_RSP 0xd040
#define TRAP_RESUME 0xd048
#define TRAP_STACK 0xd050
#define TRAP_COUNT 0xd058
#define TRAP_DR6 0xd060

// Selectors.
#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10
#define USER_CODE32 0x1b
#define USER_DATA 0x23
#define USER_CODE 0x2b
#define TSS_SELECTOR 0x30
#define KERNEL_CODE32 0x40
#define KERNEL_CODE16 0x48
#define DATA16 0x50
#define SMALL_DATA 0x58
#define ABSENT_DATA 0x60
#define READ_ONLY_DATA 0x68

// Ports.
#define PORT_SERIAL 0x3f8
#define PORT_PASS 0xf3
#define PORT_FAIL 0xf4
#define PORT_INTERRUPT 0xf5
#define PORT_NMI 0xf6
#define PORT_START 0xf7
#define PORT_KICK 0xf8
#define PORT_INTERRUPT_HALTED 0xf9
#define PORT_SIPI 0xfa
#define PORT_TASK_PRIORITY 0xfb
#define PORT_SLEEP 0xfc
#define PORT_QUEUE 0x500

// Vectors.
#define DE 0
#define DB 1
#define NMI 2
#define BP 3
#define OF 4
#define UD 6
#define NM 7
#define DF 8
#define TS 10
#define NP 11
#define SS_FAULT 12
#define GP 13
#define PF 14
#define MF 16
#define AC 17
#define XM 19

// RFLAGS.
#define CF 0x1
#define FIXED 0x2
#define PARITY 0x4
#define AF 0x10
#define ZF 0x40
#define SF 0x80
#define TF 0x100
#define IF 0x200
#define DIRECTION 0x400
#define OVERFLOW 0x800
#define ARITHMETIC 0x8d5

// Page-table bits.
#define P 1
#define RW 2
#define US 4
#define ACCESSED 0x20
#define DIRTY 0x40
#define LARGE 0x80
#define GLOBAL 0x100

// The line of the check that failed is the program's answer.
#define QUOTE_(...) #__VA_ARGS__
#define QUOTE(...) QUOTE_(__VA_ARGS__)
#define FAIL fail __LINE__
// left: register or memory; right: a constant, up to 64 bits (32 in 32-bit programs). Clobbers r15 (ebp) and flags.
#define CHECK_EQ(left, right) check_eq QUOTE(left), QUOTE(right), __LINE__
// The flags in `mask` are exactly `expected`. Clobbers as CHECK_EQ.
#define CHECK_FLAGS(mask, expected) check_flags QUOTE(mask), QUOTE(expected), __LINE__
// The instruction raises this exception with this error code; it does not finish.
#define EXPECT_TRAP(vector, error, ...) expect_trap QUOTE(vector), QUOTE(error), __LINE__, QUOTE(__VA_ARGS__)
// The same for traps, which report the instruction after.
#define EXPECT_TRAP_AFTER(vector, error, ...) \
  expect_trap_after QUOTE(vector), QUOTE(error), __LINE__, QUOTE(__VA_ARGS__)
// As EXPECT_TRAP, in ring 3: enters the code at `label` of the user page (see user.inc).
#define EXPECT_USER_TRAP(vector, error, label) expect_user_trap QUOTE(vector), QUOTE(error), label, __LINE__
// An interrupt gate with DPL and IST.
#define SET_GATE(vector, handler, dpl, ist) set_gate vector, QUOTE(handler), dpl, ist
// Enters ring 3 at `label` with these flags.
#define ENTER_USER(label, flags) enter_user label, QUOTE(flags)

.intel_syntax noprefix
.macro pass
  out PORT_PASS, al
.endm
.macro fail line
  mov eax, \line
  out PORT_FAIL, eax
.endm
