// Which instruction is executed by which function: the one table of the interpreter.
#include "hypervisor/interpret/dispatch.h"

#include <array>

namespace cumulet::hypervisor {

namespace {
struct Row {
  Handler handler;
  std::initializer_list<ZydisMnemonic> mnemonics;
};

using Table = std::array<Handler, ZYDIS_MNEMONIC_MAX_VALUE + 1>;

const Row kRows[] = {
    {execute_mov, {ZYDIS_MNEMONIC_MOV}},
    {execute_sign_extend, {ZYDIS_MNEMONIC_MOVZX, ZYDIS_MNEMONIC_MOVSX, ZYDIS_MNEMONIC_MOVSXD}},
    {execute_lea, {ZYDIS_MNEMONIC_LEA}},
    {execute_load_far_pointer,
     {ZYDIS_MNEMONIC_LDS, ZYDIS_MNEMONIC_LES, ZYDIS_MNEMONIC_LFS, ZYDIS_MNEMONIC_LGS, ZYDIS_MNEMONIC_LSS}},
    {execute_xlat, {ZYDIS_MNEMONIC_XLAT}},
    {execute_nothing,
     {ZYDIS_MNEMONIC_NOP, ZYDIS_MNEMONIC_PAUSE, ZYDIS_MNEMONIC_PREFETCH, ZYDIS_MNEMONIC_PREFETCHNTA,
      ZYDIS_MNEMONIC_PREFETCHT0, ZYDIS_MNEMONIC_PREFETCHT1, ZYDIS_MNEMONIC_PREFETCHT2,
      ZYDIS_MNEMONIC_PREFETCHW, ZYDIS_MNEMONIC_PREFETCHWT1}},
    {execute_clflush, {ZYDIS_MNEMONIC_CLFLUSH, ZYDIS_MNEMONIC_CLFLUSHOPT, ZYDIS_MNEMONIC_CLWB}},
    {execute_undefined,
     {ZYDIS_MNEMONIC_UD0, ZYDIS_MNEMONIC_UD1, ZYDIS_MNEMONIC_UD2, ZYDIS_MNEMONIC_RSM, ZYDIS_MNEMONIC_GETSEC}},
    {execute_push, {ZYDIS_MNEMONIC_PUSH}},
    {execute_pop, {ZYDIS_MNEMONIC_POP}},
    {execute_pusha, {ZYDIS_MNEMONIC_PUSHA, ZYDIS_MNEMONIC_PUSHAD}},
    {execute_popa, {ZYDIS_MNEMONIC_POPA, ZYDIS_MNEMONIC_POPAD}},
    {execute_pushf, {ZYDIS_MNEMONIC_PUSHF, ZYDIS_MNEMONIC_PUSHFD, ZYDIS_MNEMONIC_PUSHFQ}},
    {execute_popf, {ZYDIS_MNEMONIC_POPF, ZYDIS_MNEMONIC_POPFD, ZYDIS_MNEMONIC_POPFQ}},
    {execute_enter, {ZYDIS_MNEMONIC_ENTER}},
    {execute_leave, {ZYDIS_MNEMONIC_LEAVE}},
    {execute_jmp, {ZYDIS_MNEMONIC_JMP}},
    {execute_call, {ZYDIS_MNEMONIC_CALL}},
    {execute_ret, {ZYDIS_MNEMONIC_RET}},
    {execute_jcc,
     {ZYDIS_MNEMONIC_JB, ZYDIS_MNEMONIC_JBE, ZYDIS_MNEMONIC_JL, ZYDIS_MNEMONIC_JLE, ZYDIS_MNEMONIC_JNB,
      ZYDIS_MNEMONIC_JNBE, ZYDIS_MNEMONIC_JNL, ZYDIS_MNEMONIC_JNLE, ZYDIS_MNEMONIC_JNO, ZYDIS_MNEMONIC_JNP,
      ZYDIS_MNEMONIC_JNS, ZYDIS_MNEMONIC_JNZ, ZYDIS_MNEMONIC_JO, ZYDIS_MNEMONIC_JP, ZYDIS_MNEMONIC_JS,
      ZYDIS_MNEMONIC_JZ}},
    {execute_jcxz, {ZYDIS_MNEMONIC_JCXZ, ZYDIS_MNEMONIC_JECXZ, ZYDIS_MNEMONIC_JRCXZ}},
    {execute_loop, {ZYDIS_MNEMONIC_LOOP, ZYDIS_MNEMONIC_LOOPE, ZYDIS_MNEMONIC_LOOPNE}},
    {execute_int, {ZYDIS_MNEMONIC_INT}},
    {execute_int1, {ZYDIS_MNEMONIC_INT1}},
    {execute_int3, {ZYDIS_MNEMONIC_INT3}},
    {execute_into, {ZYDIS_MNEMONIC_INTO}},
    {execute_bound, {ZYDIS_MNEMONIC_BOUND}},
    {execute_iret, {ZYDIS_MNEMONIC_IRET, ZYDIS_MNEMONIC_IRETD, ZYDIS_MNEMONIC_IRETQ}},
    {execute_syscall, {ZYDIS_MNEMONIC_SYSCALL}},
    {execute_sysret, {ZYDIS_MNEMONIC_SYSRET}},
    {execute_sysenter, {ZYDIS_MNEMONIC_SYSENTER}},
    {execute_sysexit, {ZYDIS_MNEMONIC_SYSEXIT}},
    {execute_hypercall, {ZYDIS_MNEMONIC_VMCALL, ZYDIS_MNEMONIC_VMMCALL}},
    {execute_string,
     {ZYDIS_MNEMONIC_MOVSB, ZYDIS_MNEMONIC_MOVSW, ZYDIS_MNEMONIC_MOVSD, ZYDIS_MNEMONIC_MOVSQ,
      ZYDIS_MNEMONIC_STOSB, ZYDIS_MNEMONIC_STOSW, ZYDIS_MNEMONIC_STOSD, ZYDIS_MNEMONIC_STOSQ,
      ZYDIS_MNEMONIC_LODSB, ZYDIS_MNEMONIC_LODSW, ZYDIS_MNEMONIC_LODSD, ZYDIS_MNEMONIC_LODSQ,
      ZYDIS_MNEMONIC_CMPSB, ZYDIS_MNEMONIC_CMPSW, ZYDIS_MNEMONIC_CMPSD, ZYDIS_MNEMONIC_CMPSQ,
      ZYDIS_MNEMONIC_SCASB, ZYDIS_MNEMONIC_SCASW, ZYDIS_MNEMONIC_SCASD, ZYDIS_MNEMONIC_SCASQ}},
    {execute_in, {ZYDIS_MNEMONIC_IN}},
    {execute_out, {ZYDIS_MNEMONIC_OUT}},
    {execute_port_string,
     {ZYDIS_MNEMONIC_INSB, ZYDIS_MNEMONIC_INSW, ZYDIS_MNEMONIC_INSD, ZYDIS_MNEMONIC_OUTSB,
      ZYDIS_MNEMONIC_OUTSW, ZYDIS_MNEMONIC_OUTSD}},
    {execute_clts, {ZYDIS_MNEMONIC_CLTS}},
    {execute_lmsw, {ZYDIS_MNEMONIC_LMSW}},
    {execute_smsw, {ZYDIS_MNEMONIC_SMSW}},
    {execute_xgetbv, {ZYDIS_MNEMONIC_XGETBV}},
    {execute_xsetbv, {ZYDIS_MNEMONIC_XSETBV}},
    {execute_fsgsbase,
     {ZYDIS_MNEMONIC_RDFSBASE, ZYDIS_MNEMONIC_RDGSBASE, ZYDIS_MNEMONIC_WRFSBASE, ZYDIS_MNEMONIC_WRGSBASE}},
    {execute_swapgs, {ZYDIS_MNEMONIC_SWAPGS}},
    {execute_cli, {ZYDIS_MNEMONIC_CLI}},
    {execute_sti, {ZYDIS_MNEMONIC_STI}},
    {execute_cld, {ZYDIS_MNEMONIC_CLD}},
    {execute_std, {ZYDIS_MNEMONIC_STD}},
    {execute_clac, {ZYDIS_MNEMONIC_CLAC}},
    {execute_stac, {ZYDIS_MNEMONIC_STAC}},
    {execute_hlt, {ZYDIS_MNEMONIC_HLT}},
    {execute_serialize, {ZYDIS_MNEMONIC_SERIALIZE}},
    {execute_privileged_nothing, {ZYDIS_MNEMONIC_INVD, ZYDIS_MNEMONIC_WBINVD}},
    {execute_invlpg, {ZYDIS_MNEMONIC_INVLPG}},
    {execute_invpcid, {ZYDIS_MNEMONIC_INVPCID}},
    {execute_load_table, {ZYDIS_MNEMONIC_LGDT, ZYDIS_MNEMONIC_LIDT}},
    {execute_store_table, {ZYDIS_MNEMONIC_SGDT, ZYDIS_MNEMONIC_SIDT}},
    {execute_lldt, {ZYDIS_MNEMONIC_LLDT}},
    {execute_ltr, {ZYDIS_MNEMONIC_LTR}},
    {execute_sldt, {ZYDIS_MNEMONIC_SLDT}},
    {execute_str, {ZYDIS_MNEMONIC_STR}},
    {execute_lar, {ZYDIS_MNEMONIC_LAR}},
    {execute_lsl, {ZYDIS_MNEMONIC_LSL}},
    {execute_verify, {ZYDIS_MNEMONIC_VERR, ZYDIS_MNEMONIC_VERW}},
    {execute_arpl, {ZYDIS_MNEMONIC_ARPL}},
    {execute_rdmsr, {ZYDIS_MNEMONIC_RDMSR}},
    {execute_wrmsr, {ZYDIS_MNEMONIC_WRMSR}},
    {execute_rdpmc, {ZYDIS_MNEMONIC_RDPMC}},
    {execute_rdtsc, {ZYDIS_MNEMONIC_RDTSC}},
    {execute_rdtscp, {ZYDIS_MNEMONIC_RDTSCP}},
    {execute_rdpid, {ZYDIS_MNEMONIC_RDPID}},
    {execute_cpuid, {ZYDIS_MNEMONIC_CPUID}},
    {execute_fxsave, {ZYDIS_MNEMONIC_FXSAVE, ZYDIS_MNEMONIC_FXSAVE64}},
    {execute_fxrstor, {ZYDIS_MNEMONIC_FXRSTOR, ZYDIS_MNEMONIC_FXRSTOR64}},
    {execute_xsave,
     {ZYDIS_MNEMONIC_XSAVE, ZYDIS_MNEMONIC_XSAVE64, ZYDIS_MNEMONIC_XSAVEOPT, ZYDIS_MNEMONIC_XSAVEOPT64}},
    {execute_xrstor, {ZYDIS_MNEMONIC_XRSTOR, ZYDIS_MNEMONIC_XRSTOR64}},
    {execute_decimal,
     {ZYDIS_MNEMONIC_AAA, ZYDIS_MNEMONIC_AAD, ZYDIS_MNEMONIC_AAM, ZYDIS_MNEMONIC_AAS, ZYDIS_MNEMONIC_DAA,
      ZYDIS_MNEMONIC_DAS}},
    {execute_salc, {ZYDIS_MNEMONIC_SALC}},
    {execute_bit_test, {ZYDIS_MNEMONIC_BT, ZYDIS_MNEMONIC_BTC, ZYDIS_MNEMONIC_BTR, ZYDIS_MNEMONIC_BTS}},
    {execute_masked_store, {ZYDIS_MNEMONIC_MASKMOVQ, ZYDIS_MNEMONIC_MASKMOVDQU, ZYDIS_MNEMONIC_VMASKMOVDQU}},
    {execute_masked_move,
     {ZYDIS_MNEMONIC_VMASKMOVPS, ZYDIS_MNEMONIC_VMASKMOVPD, ZYDIS_MNEMONIC_VPMASKMOVD,
      ZYDIS_MNEMONIC_VPMASKMOVQ}},
    {execute_gather,
     {ZYDIS_MNEMONIC_VGATHERDPS, ZYDIS_MNEMONIC_VGATHERDPD, ZYDIS_MNEMONIC_VGATHERQPS,
      ZYDIS_MNEMONIC_VGATHERQPD, ZYDIS_MNEMONIC_VPGATHERDD, ZYDIS_MNEMONIC_VPGATHERDQ,
      ZYDIS_MNEMONIC_VPGATHERQD, ZYDIS_MNEMONIC_VPGATHERQQ}},
};

Table build_table() {
  Table table;
  table.fill(execute_natively);
  for (const Row& row : kRows) {
    for (ZydisMnemonic mnemonic : row.mnemonics) table[mnemonic] = row.handler;
  }
  return table;
}
}  // namespace

Handler handler_of(ZydisMnemonic mnemonic) {
  static const Table kTable = build_table();
  return kTable[mnemonic];
}

}  // namespace cumulet::hypervisor
