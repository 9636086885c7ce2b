// The instructions that are executed in C++, by file; dispatch.cpp maps mnemonics to them.
#pragma once

#include "hypervisor/interpret/execution.h"

namespace cumulet::hypervisor {

// Executes x.decoded. Returns false when the instruction stopped (execution.h).
using Handler = bool (*)(Execution& x);

// moves.cpp
bool execute_mov(Execution& x);
bool execute_sign_extend(Execution& x);
bool execute_lea(Execution& x);
bool execute_load_far_pointer(Execution& x);
bool execute_xlat(Execution& x);
bool execute_nothing(Execution& x);
bool execute_clflush(Execution& x);
bool execute_undefined(Execution& x);

// stack.cpp
bool execute_push(Execution& x);
bool execute_pop(Execution& x);
bool execute_pusha(Execution& x);
bool execute_popa(Execution& x);
bool execute_pushf(Execution& x);
bool execute_popf(Execution& x);
bool execute_enter(Execution& x);
bool execute_leave(Execution& x);

// flow.cpp
bool execute_jmp(Execution& x);
bool execute_call(Execution& x);
bool execute_ret(Execution& x);
bool execute_jcc(Execution& x);
bool execute_jcxz(Execution& x);
bool execute_loop(Execution& x);
bool execute_int(Execution& x);
bool execute_int1(Execution& x);
bool execute_int3(Execution& x);
bool execute_into(Execution& x);
bool execute_bound(Execution& x);

// far_transfer.cpp, interrupt_return.cpp
bool far_jump(Execution& x, uint16_t selector, uint64_t offset);
bool far_call(Execution& x, uint16_t selector, uint64_t offset);
bool far_return(Execution& x, uint16_t extra_bytes);
bool execute_iret(Execution& x);

// fast_system_call.cpp
bool execute_syscall(Execution& x);
bool execute_sysret(Execution& x);
bool execute_sysenter(Execution& x);
bool execute_sysexit(Execution& x);
bool execute_hypercall(Execution& x);

// strings.cpp, port_io.cpp
bool execute_string(Execution& x);
bool execute_in(Execution& x);
bool execute_out(Execution& x);
bool execute_port_string(Execution& x);

// system_registers.cpp
bool execute_mov_control(Execution& x);
bool execute_mov_debug(Execution& x);
bool execute_clts(Execution& x);
bool execute_lmsw(Execution& x);
bool execute_smsw(Execution& x);
bool execute_xgetbv(Execution& x);
bool execute_xsetbv(Execution& x);
bool execute_fsgsbase(Execution& x);
bool execute_swapgs(Execution& x);

// flags_and_halt.cpp
bool execute_cli(Execution& x);
bool execute_sti(Execution& x);
bool execute_cld(Execution& x);
bool execute_std(Execution& x);
bool execute_clac(Execution& x);
bool execute_stac(Execution& x);
bool execute_hlt(Execution& x);
bool execute_serialize(Execution& x);
bool execute_privileged_nothing(Execution& x);
bool execute_invlpg(Execution& x);
bool execute_invpcid(Execution& x);

// descriptor_tables.cpp
bool execute_load_table(Execution& x);
bool execute_store_table(Execution& x);
bool execute_lldt(Execution& x);
bool execute_ltr(Execution& x);
bool execute_sldt(Execution& x);
bool execute_str(Execution& x);
bool execute_lar(Execution& x);
bool execute_lsl(Execution& x);
bool execute_verify(Execution& x);
bool execute_arpl(Execution& x);

// model_specific.cpp
bool execute_rdmsr(Execution& x);
bool execute_wrmsr(Execution& x);
bool execute_rdpmc(Execution& x);
bool execute_rdtsc(Execution& x);
bool execute_rdtscp(Execution& x);
bool execute_rdpid(Execution& x);
bool execute_cpuid(Execution& x);

// gather_scatter.cpp
bool execute_wide_gather(Execution& x);
bool execute_wide_scatter(Execution& x);

// xsave.cpp
bool execute_fxsave(Execution& x);
bool execute_fxrstor(Execution& x);
bool execute_xsave(Execution& x);
bool execute_xrstor(Execution& x);

// legacy_arithmetic.cpp
bool execute_decimal(Execution& x);
bool execute_salc(Execution& x);
bool execute_bit_test(Execution& x);

// vector_memory.cpp
bool execute_masked_store(Execution& x);
bool execute_masked_move(Execution& x);
bool execute_gather(Execution& x);

// compute.cpp: everything that only computes, on the host's own arithmetic units
bool execute_natively(Execution& x);

// True if the condition of Jcc, SETcc or CMOVcc (low 4 bits of the opcode) holds (SDM volume 2, appendix
// B.1.4).
[[nodiscard]] bool condition_holds(uint64_t flags, uint8_t condition);

// Makes `target`, cut to `bits`, the next instruction. Stops with #GP(0) outside the code segment or if not
// canonical.
[[nodiscard]] bool jump_to(Execution& x, uint64_t target, unsigned bits);

}  // namespace cumulet::hypervisor
