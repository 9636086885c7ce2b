// The explicit list of what is not compared, each with its reason.
#include "selection.h"

#include <algorithm>
#include <iterator>

#include "hypervisor/x86/extended_state.h"
#include "hypervisor/x86/wide_vectors.h"

namespace cumulet::differential {

namespace {

// Instruction sets that the guest's CPUID shows. Anything else is #UD there and may well run natively.
constexpr ZydisISASet kShown[] = {
    ZYDIS_ISA_SET_I86,         ZYDIS_ISA_SET_I186,       ZYDIS_ISA_SET_I386,       ZYDIS_ISA_SET_I486REAL,
    ZYDIS_ISA_SET_PENTIUMREAL, ZYDIS_ISA_SET_PENTIUMMMX, ZYDIS_ISA_SET_PPRO,       ZYDIS_ISA_SET_CMOV,
    ZYDIS_ISA_SET_FCMOV,       ZYDIS_ISA_SET_FAT_NOP,    ZYDIS_ISA_SET_LONGMODE,   ZYDIS_ISA_SET_LAHF,
    ZYDIS_ISA_SET_X87,         ZYDIS_ISA_SET_SSE,        ZYDIS_ISA_SET_SSE2,       ZYDIS_ISA_SET_SSE2MMX,
    ZYDIS_ISA_SET_SSE3,        ZYDIS_ISA_SET_SSE3X87,    ZYDIS_ISA_SET_SSSE3,      ZYDIS_ISA_SET_SSSE3MMX,
    ZYDIS_ISA_SET_SSE4,        ZYDIS_ISA_SET_SSE42,      ZYDIS_ISA_SET_SSEMXCSR,   ZYDIS_ISA_SET_SSE_PREFETCH,
    ZYDIS_ISA_SET_AVX,         ZYDIS_ISA_SET_AVX2,       ZYDIS_ISA_SET_AVXAES,     ZYDIS_ISA_SET_AES,
    ZYDIS_ISA_SET_FMA,         ZYDIS_ISA_SET_F16C,       ZYDIS_ISA_SET_BMI1,       ZYDIS_ISA_SET_BMI2,
    ZYDIS_ISA_SET_LZCNT,       ZYDIS_ISA_SET_POPCNT,     ZYDIS_ISA_SET_ADOX_ADCX,  ZYDIS_ISA_SET_MOVBE,
    ZYDIS_ISA_SET_PCLMULQDQ,   ZYDIS_ISA_SET_SHA,        ZYDIS_ISA_SET_CMPXCHG16B,
};

struct Exclusion {
  ZydisMnemonic mnemonic;
  const char* reason;
};
constexpr Exclusion kExcluded[] = {
    {ZYDIS_MNEMONIC_CPUID, "answers differently in a guest by design"},
    {ZYDIS_MNEMONIC_RDTSC, "two clocks never read alike"},
    {ZYDIS_MNEMONIC_RDTSCP, "two clocks never read alike"},
    {ZYDIS_MNEMONIC_RDPMC, "the host may allow it in user mode"},
    {ZYDIS_MNEMONIC_SYSCALL, "would call the host's kernel"},
    {ZYDIS_MNEMONIC_SYSENTER, "would call the host's kernel"},
    {ZYDIS_MNEMONIC_SYSEXIT, "privileged; its own guest program"},
    {ZYDIS_MNEMONIC_SYSRET, "privileged; its own guest program"},
    {ZYDIS_MNEMONIC_INT, "would call the host's kernel"},
    {ZYDIS_MNEMONIC_INT1, "the host's debug signal carries no vector"},
    {ZYDIS_MNEMONIC_INT3, "ends every sequence"},
    {ZYDIS_MNEMONIC_INTO, "not in 64-bit mode"},
    {ZYDIS_MNEMONIC_POPF, "may set TF, which signals report differently"},
    {ZYDIS_MNEMONIC_POPFQ, "may set TF, which signals report differently"},
    {ZYDIS_MNEMONIC_PUSHF, "stores IF and IOPL, which are the system's own"},
    {ZYDIS_MNEMONIC_PUSHFQ, "stores IF and IOPL, which are the system's own"},
    {ZYDIS_MNEMONIC_IRET, "takes a whole context from the stack"},
    {ZYDIS_MNEMONIC_IRETD, "takes a whole context from the stack"},
    {ZYDIS_MNEMONIC_IRETQ, "takes a whole context from the stack"},
    {ZYDIS_MNEMONIC_LAR, "reads the host kernel's descriptor table"},
    {ZYDIS_MNEMONIC_LSL, "reads the host kernel's descriptor table"},
    {ZYDIS_MNEMONIC_VERR, "reads the host kernel's descriptor table"},
    {ZYDIS_MNEMONIC_VERW, "reads the host kernel's descriptor table"},
    {ZYDIS_MNEMONIC_SGDT, "shows the host kernel's registers, or UMIP's fiction of them"},
    {ZYDIS_MNEMONIC_SIDT, "shows the host kernel's registers, or UMIP's fiction of them"},
    {ZYDIS_MNEMONIC_SLDT, "shows the host kernel's registers, or UMIP's fiction of them"},
    {ZYDIS_MNEMONIC_STR, "shows the host kernel's registers, or UMIP's fiction of them"},
    {ZYDIS_MNEMONIC_SMSW, "shows the host kernel's registers, or UMIP's fiction of them"},
    {ZYDIS_MNEMONIC_LDS, "loads a segment register from the host's descriptor table"},
    {ZYDIS_MNEMONIC_LSS, "loads a segment register from the host's descriptor table"},
    {ZYDIS_MNEMONIC_LES, "loads a segment register from the host's descriptor table"},
    {ZYDIS_MNEMONIC_LFS, "loads a segment register from the host's descriptor table"},
    {ZYDIS_MNEMONIC_LGS, "loads a segment register from the host's descriptor table"},
    {ZYDIS_MNEMONIC_FNSAVE, "stores the x87 instruction pointer: an address of translated code"},
    {ZYDIS_MNEMONIC_FNSTENV, "stores the x87 instruction pointer: an address of translated code"},
    {ZYDIS_MNEMONIC_FXSAVE, "stores the x87 instruction pointer: an address of translated code"},
    {ZYDIS_MNEMONIC_FXSAVE64, "stores the x87 instruction pointer: an address of translated code"},
    {ZYDIS_MNEMONIC_FXRSTOR, "loads arbitrary x87 pointers"},
    {ZYDIS_MNEMONIC_FXRSTOR64, "loads arbitrary x87 pointers"},
    {ZYDIS_MNEMONIC_FRSTOR, "loads arbitrary x87 pointers"},
    {ZYDIS_MNEMONIC_FLDENV, "loads arbitrary x87 pointers"},
    {ZYDIS_MNEMONIC_MASKMOVQ,
     "which byte a fault names, and whether MMX mode is entered before it, is the model's own"},
    {ZYDIS_MNEMONIC_MASKMOVDQU, "which byte a fault names is the model's own"},
    {ZYDIS_MNEMONIC_VMASKMOVDQU, "which byte a fault names is the model's own"},
    {ZYDIS_MNEMONIC_IN, "the host may have its I/O permission map; its own guest program"},
    {ZYDIS_MNEMONIC_OUT, "the host may have its I/O permission map; its own guest program"},
};

bool touches_segment_register_or_fs(const ZydisDecodedInstruction& instruction,
                                    const ZydisDecodedOperand* operands) {
  for (uint8_t i = 0; i < instruction.operand_count; ++i) {
    const ZydisDecodedOperand& operand = operands[i];
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER &&
        operand.visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
        ZydisRegisterGetClass(operand.reg.value) == ZYDIS_REGCLASS_SEGMENT)
      return true;  // selectors are the host kernel's
    if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.mem.segment == ZYDIS_REGISTER_FS)
      return true;  // the host's thread pointer
  }
  return false;
}

// After a push or pop, Zen 5 reads the RSP before it where EVEX.X, which means nothing then, is 0.
bool reads_stale_stack_pointer(const ZydisDecodedInstruction& instruction,
                               const ZydisDecodedOperand* operands) {
  if (instruction.encoding != ZYDIS_INSTRUCTION_ENCODING_EVEX || instruction.raw.evex.X != 0) return false;
  for (uint8_t i = 0; i < instruction.operand_count; ++i)
    if (operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
        ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, operands[i].reg.value) ==
            ZYDIS_REGISTER_RSP)
      return true;
  return false;
}

}  // namespace

bool takes_part(const ZydisDecodedInstruction& instruction, const ZydisDecodedOperand* operands) {
  switch (instruction.meta.category) {
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET: return false;  // drawn apart, with targets that exist
    case ZYDIS_CATEGORY_SYSTEM:
    case ZYDIS_CATEGORY_IOSTRINGOP:
    case ZYDIS_CATEGORY_XSAVE:
    case ZYDIS_CATEGORY_XSAVEOPT:
      return false;  // privileged, or shows which state components the host has: guest programs cover them
    default: break;
  }
  bool wide = hypervisor::is_wide_vector_set(instruction.meta.isa_set);
  if (wide && hypervisor::host_wide_layout().end == 0) return false;
  bool shown =
      wide || std::find(std::begin(kShown), std::end(kShown), instruction.meta.isa_set) != std::end(kShown);
  bool excluded = std::any_of(std::begin(kExcluded), std::end(kExcluded), [&](const Exclusion& exclusion) {
    return exclusion.mnemonic == instruction.mnemonic;
  });
  return shown && !excluded && !touches_segment_register_or_fs(instruction, operands) &&
         !reads_stale_stack_pointer(instruction, operands);
}

}  // namespace cumulet::differential
