// Instructions that only compute: checks of availability, then the host's processor does them.
#include "hypervisor/interpret/compute.h"

#include <algorithm>

#include "hypervisor/interpret/guest_ram_unsafe.h"
#include "hypervisor/interpret/instructions.h"
#include "hypervisor/interpret/masked_memory.h"
#include "hypervisor/interpret/memory_access.h"
#include "hypervisor/interpret/native.h"
#include "hypervisor/interpret/operands.h"
#include "hypervisor/x86/extended_state.h"
#include "hypervisor/x86/wide_vectors.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kPageSize = 4096;

// Instructions of SSE's and later extensions that touch no vector register.
bool integer_only(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_MOVNTI:
    case ZYDIS_MNEMONIC_POPCNT:
    case ZYDIS_MNEMONIC_CRC32:
    case ZYDIS_MNEMONIC_LFENCE:
    case ZYDIS_MNEMONIC_MFENCE:
    case ZYDIS_MNEMONIC_SFENCE: return true;
    default: return false;
  }
}

bool uses_mmx(const Execution& x) {
  for (int i = 0; i < x.info().operand_count; ++i) {
    const ZydisDecodedOperand& operand = x.operand(i);
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER && operand.reg.value >= ZYDIS_REGISTER_MM0 &&
        operand.reg.value <= ZYDIS_REGISTER_MM7)
      return true;
  }
  return false;
}

// The base instruction set: only what neither branches nor touches the system.
bool is_plain_base(ZydisInstructionCategory category) {
  switch (category) {
    case ZYDIS_CATEGORY_BINARY:
    case ZYDIS_CATEGORY_BITBYTE:
    case ZYDIS_CATEGORY_CMOV:
    case ZYDIS_CATEGORY_CONVERT:
    case ZYDIS_CATEGORY_DATAXFER:
    case ZYDIS_CATEGORY_FLAGOP:
    case ZYDIS_CATEGORY_LOGICAL:
    case ZYDIS_CATEGORY_ROTATE:
    case ZYDIS_CATEGORY_SEMAPHORE:
    case ZYDIS_CATEGORY_SETCC:
    case ZYDIS_CATEGORY_SHIFT: return true;
    default: return false;
  }
}

// The unit an instruction runs on, or kNone if this processor does not have it.
Unit unit_of(const Execution& x) {
  const ZydisDecodedInstruction& info = x.info();
  if (integer_only(info.mnemonic)) return Unit::kInteger;
  switch (info.meta.isa_ext) {
    case ZYDIS_ISA_EXT_BASE:
    case ZYDIS_ISA_EXT_LONGMODE: return is_plain_base(info.meta.category) ? Unit::kInteger : Unit::kNone;
    case ZYDIS_ISA_EXT_ADOX_ADCX:
    case ZYDIS_ISA_EXT_LZCNT:
    case ZYDIS_ISA_EXT_MOVBE:
    case ZYDIS_ISA_EXT_RDRAND:
    case ZYDIS_ISA_EXT_RDSEED: return Unit::kInteger;
    case ZYDIS_ISA_EXT_BMI1:
    case ZYDIS_ISA_EXT_BMI2:
      return info.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX ? Unit::kVexInteger : Unit::kInteger;
    case ZYDIS_ISA_EXT_X87: return Unit::kX87;
    case ZYDIS_ISA_EXT_MMX: return Unit::kMmx;
    case ZYDIS_ISA_EXT_SSE:
    case ZYDIS_ISA_EXT_SSE2:
    case ZYDIS_ISA_EXT_SSSE3:
      return uses_mmx(x) && info.meta.category != ZYDIS_CATEGORY_CONVERT ? Unit::kMmx : Unit::kSse;
    case ZYDIS_ISA_EXT_SSE3: return info.mnemonic == ZYDIS_MNEMONIC_FISTTP ? Unit::kX87 : Unit::kSse;
    case ZYDIS_ISA_EXT_SSE4:
    case ZYDIS_ISA_EXT_AES:
    case ZYDIS_ISA_EXT_PCLMULQDQ:
    case ZYDIS_ISA_EXT_SHA: return info.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX ? Unit::kAvx : Unit::kSse;
    case ZYDIS_ISA_EXT_AVX:
    case ZYDIS_ISA_EXT_AVX2:
    case ZYDIS_ISA_EXT_AVXAES:
    case ZYDIS_ISA_EXT_F16C:
    case ZYDIS_ISA_EXT_FMA: return Unit::kAvx;
    case ZYDIS_ISA_EXT_AVX512EVEX:
    case ZYDIS_ISA_EXT_AVX512VEX: return is_wide_vector_set(info.meta.isa_set) ? Unit::kWide : Unit::kNone;
    default: return Unit::kNone;
  }
}

// The exception that the host's processor raised, as the guest must see it.
bool stop_with_host_fault(Execution& x, uint64_t vector) {
  switch (vector) {
    case kSimdError:
      if ((x.state.cr4 & cr4::kOsxmmexcpt) == 0) return x.stop(invalid_opcode());
      return x.stop({kSimdError});
    case kDivideError:
    case kInvalidOpcode:
    case kX87Error: return x.stop({static_cast<uint8_t>(vector)});
    case kGeneralProtection: return x.stop(general_protection());
    default:
      return x.stop_for(FailureExit{"the host raised an unexpected exception for an emulated instruction"});
  }
}

// The pointers to the last x87 instruction and operand show where our copy ran; the guest must see its own.
void fix_x87_pointers(Execution& x, uint64_t old_instruction, uint64_t old_operand, const MemoryUse& use) {
  constexpr size_t kInstruction = 8, kOperand = 16;
  auto& area = x.state.xsave;
  if (load_le<uint64_t>(area, kInstruction) != old_instruction)
    store_le<uint64_t>(area, kInstruction, x.state.rip);
  if (load_le<uint64_t>(area, kOperand) != old_operand)
    store_le<uint64_t>(area, kOperand, use.size != 0 ? use.offset : 0);
}

}  // namespace

bool run_at(Execution& x, const NativeCode& code, const MemoryUse& use, bool vector, uint64_t pointer,
            std::optional<uint64_t>* page_fault) {
  CpuState& state = x.state;
  NativeFrame frame;
  frame.gpr = state.gpr;
  frame.flags = (state.rflags & rflags::kArithmetic) | rflags::kFixed;
  if (code.stack_register >= 0) frame.gpr[code.stack_register] = state.gpr[kRsp];
  if (code.pointer_register >= 0) frame.gpr[code.pointer_register] = pointer;
  uint64_t old_instruction = 0;
  uint64_t old_operand = 0;
  if (vector) {
    normalize_xsave(state);
    frame.xsave = state.xsave.data();
    frame.components = kGuestExtendedState | (state.xcr0 & kWideState);
    old_instruction = load_le<uint64_t>(state.xsave, 8);
    old_operand = load_le<uint64_t>(state.xsave, 16);
  }
  x.native->run(code.view(), frame);
  if (vector) fix_x87_pointers(x, old_instruction, old_operand, use);
  if (frame.fault == kPageFaultVector + 1U && page_fault != nullptr) {
    *page_fault = frame.fault_address;
    return false;
  }
  if (frame.fault != 0) return stop_with_host_fault(x, frame.fault - 1);
  uint64_t rsp = code.stack_register >= 0 ? frame.gpr[code.stack_register] : state.gpr[kRsp];
  if (code.stack_register >= 0) frame.gpr[code.stack_register] = state.gpr[code.stack_register];
  if (code.pointer_register >= 0) frame.gpr[code.pointer_register] = state.gpr[code.pointer_register];
  frame.gpr[kRsp] = rsp;
  state.gpr = frame.gpr;
  state.rflags = (state.rflags & ~rflags::kArithmetic) | (frame.flags & rflags::kArithmetic);
  return true;
}

namespace {
// Atomic operation directly on guest RAM. False with nothing done (and no stop) if the operand is not in one
// page of RAM.
bool run_on_ram(Execution& x, const NativeCode& code, const MemoryUse& use, bool vector, uint64_t linear,
                bool& done) {
  done = false;
  if ((linear & (kPageSize - 1)) + use.size > kPageSize) return true;
  GuestAddress physical = 0;
  if (!translate(x, linear, AccessType::kWrite, AccessPrivilege::kCurrent, physical)) return false;
  uint64_t pointer = ram_host_address(*x.cpu.memory, physical, use.size);
  if (pointer == 0) return true;
  done = true;
  if (!run_at(x, code, use, vector, pointer)) return false;
  if (x.cpu.observer != nullptr) x.cpu.observer->memory_written(physical, use.size);
  return true;
}

// Ten bytes move as eight and two: a fault of the first eight comes before a second part that is not
// canonical.
void prefer_fault_of_first_part(Execution& x, const MemoryUse& use) {
  constexpr uint64_t kExtendedSize = 10, kFirstPart = 8;
  bool out_of_bounds = x.exception->vector == kStackFault || x.exception->vector == kGeneralProtection;
  if (use.size != kExtendedSize || !out_of_bounds) return;
  Exception of_all = *x.exception;
  std::array<uint8_t, kFirstPart> bytes{};
  uint64_t linear = 0;
  AccessType type = use.writes ? AccessType::kWrite : AccessType::kRead;
  if (to_linear(x, use.segment, use.offset, kFirstPart, type, linear) &&
      (use.writes ? check_write(x, linear, kFirstPart) : read_linear(x, linear, bytes)))
    x.exception = of_all;
}

// A misaligned operand (#GP) and a pending x87 exception (#MF) come before everything that is wrong with the
// memory itself. The host's processor knows which instructions care: let it run this one on a buffer that is
// misaligned alike. Always false, with the exception that comes first.
bool stop_with_first_fault(Execution& x, const NativeCode& code, const MemoryUse& use, bool vector) {
  constexpr uint64_t kVectorSize = 16;
  if (!x.exception) return false;
  prefer_fault_of_first_part(x, use);
  bool flat = x.code64() && use.segment < kFs;
  uint64_t misalignment = ((flat ? 0 : x.state.segments[use.segment].base) + use.offset) % use.size;
  bool misaligned = use.size >= kVectorSize && misalignment != 0;
  bool x87_error = vector && x87_error_waits(x.state);
  if (!misaligned && !x87_error) return false;
  CpuState before = x.state;
  Exception of_memory = *x.exception;
  MutableByteView copy = x.native->buffer().subspan(misalignment, use.size);
  bool stopped = !run_at(x, code, use, vector, address_value(copy.data()));
  x.state = before;
  // ldmxcsr may dislike what happens to be in the buffer: that is not what was asked.
  bool first = stopped && ((misaligned && x.exception->vector == kGeneralProtection) ||
                           (x87_error && x.exception->vector == kX87Error));
  if (!first) x.exception = of_memory;
  return false;
}

bool stores_x87_number(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_FST:
    case ZYDIS_MNEMONIC_FSTP:
    case ZYDIS_MNEMONIC_FIST:
    case ZYDIS_MNEMONIC_FISTP:
    case ZYDIS_MNEMONIC_FISTTP:
    case ZYDIS_MNEMONIC_FBSTP: return true;
    default: return false;
  }
}

// True if an x87 store has just raised an unmasked exception that keeps it from storing: invalid operation,
// overflow or underflow, not precision (SDM volume 1, 8.5).
bool store_was_suppressed(const CpuState& state) {
  constexpr uint16_t kInvalidOverflowUnderflow = 1 << 0 | 1 << 3 | 1 << 4;
  uint16_t control = load_le<uint16_t>(state.xsave, 0);
  uint16_t status = load_le<uint16_t>(state.xsave, 2);
  return (status & ~control & kInvalidOverflowUnderflow) != 0;
}

MemoryUse use_of(const Execution& x) {
  const ZydisDecodedOperand* operand = memory_operand(*x.decoded);
  if (operand == nullptr) return {};
  constexpr auto kReads = ZYDIS_OPERAND_ACTION_READ | ZYDIS_OPERAND_ACTION_CONDREAD;
  constexpr auto kWrites = ZYDIS_OPERAND_ACTION_WRITE | ZYDIS_OPERAND_ACTION_CONDWRITE;
  MemoryUse use;
  use.segment = segment_of(operand->mem.segment);
  use.offset = effective_offset(x, *operand);
  use.size = operand->size / 8;
  use.reads = (operand->actions & kReads) != 0;
  use.writes = (operand->actions & kWrites) != 0;
  use.x87_store = use.writes && stores_x87_number(x.info().mnemonic);
  use.atomic = use.writes && (x.has(ZYDIS_ATTRIB_HAS_LOCK) || x.info().mnemonic == ZYDIS_MNEMONIC_XCHG);
  return use;
}

bool run_with_memory(Execution& x, const NativeCode& code, const MemoryUse& use, bool vector) {
  uint64_t linear = 0;
  AccessType type = use.writes ? AccessType::kWrite : AccessType::kRead;
  if (!to_linear(x, use.segment, use.offset, use.size, type, linear)) return false;
  if (use.writes && use.reads && !to_linear(x, use.segment, use.offset, use.size, AccessType::kRead, linear))
    return false;
  if (use.atomic) {
    bool done = false;
    if (!run_on_ram(x, code, use, vector, linear, done)) return false;
    if (done) return true;
  }
  // The copy has the same alignment as the original, so that alignment faults happen as they should.
  constexpr uint64_t kAlignment = 64;
  CHECK(use.size + kAlignment <= NativeRunner::kBufferSize);
  MutableByteView copy = x.native->buffer().subspan(linear % kAlignment, use.size);
  if (use.writes && !check_write(x, linear, use.size)) return false;
  if (use.reads && !read_linear(x, linear, copy)) return false;
  // A store to a device may stop after the instruction has run, which is then run again: x87 and vector state
  // must go back as well.
  std::array<uint8_t, kXsaveAreaSize> vector_before;
  bool may_roll_back = vector && use.writes;
  uint64_t vector_size = host_wide_layout().area_size(kGuestExtendedState | (x.state.xcr0 & kWideState));
  if (may_roll_back) std::copy_n(x.state.xsave.begin(), vector_size, vector_before.begin());
  if (!run_at(x, code, use, vector, address_value(copy.data()))) return false;
  if (!use.writes || (use.x87_store && store_was_suppressed(x.state))) return true;
  if (write_linear(x, linear, copy)) return true;
  if (may_roll_back) std::copy_n(vector_before.begin(), vector_size, x.state.xsave.begin());
  return false;
}
}  // namespace

bool require_unit(Execution& x, Unit unit) {
  uint64_t c0 = x.state.cr0;
  constexpr uint64_t kSseAndAvx = 6, kSseAvxAndWide = kSseAndAvx | kWideState;
  switch (unit) {
    case Unit::kNone: return x.stop(invalid_opcode());
    case Unit::kInteger: return true;
    case Unit::kVexInteger: return x.protected_mode() || x.stop(invalid_opcode());
    case Unit::kX87: {
      bool wait = x.info().mnemonic == ZYDIS_MNEMONIC_FWAIT;
      bool unavailable =
          wait ? (c0 & cr0::kMp) != 0 && (c0 & cr0::kTs) != 0 : (c0 & (cr0::kEm | cr0::kTs)) != 0;
      return !unavailable || x.stop({kDeviceNotAvailable});
    }
    case Unit::kMmx:
    case Unit::kSse:
      if ((c0 & cr0::kEm) != 0) return x.stop(invalid_opcode());
      if (unit == Unit::kSse && (x.state.cr4 & cr4::kOsfxsr) == 0) return x.stop(invalid_opcode());
      break;
    case Unit::kAvx:
      if (!x.protected_mode() || (x.state.cr4 & cr4::kOsxsave) == 0 ||
          (x.state.xcr0 & kSseAndAvx) != kSseAndAvx)
        return x.stop(invalid_opcode());
      break;
    case Unit::kWide:
      if (!x.protected_mode() || (x.state.cr4 & cr4::kOsxsave) == 0 ||
          (x.state.xcr0 & kSseAvxAndWide) != kSseAvxAndWide)
        return x.stop(invalid_opcode());
      break;
  }
  return (c0 & cr0::kTs) == 0 || x.stop({kDeviceNotAvailable});
}

bool run_native(Execution& x, const NativeCode& code, const MemoryUse& use, bool vector) {
  if (use.size == 0) return run_at(x, code, use, vector, 0);
  return run_with_memory(x, code, use, vector) || stop_with_first_fault(x, code, use, vector);
}

bool execute_natively(Execution& x) {
  Unit unit = unit_of(x);
  if (!require_unit(x, unit)) return false;
  std::optional<NativeCode> code = recode(*x.decoded);
  if (!code)
    return x.stop_for(FailureExit{std::string("instruction not implemented: ") +
                                  ZydisMnemonicGetString(x.info().mnemonic)});
  MemoryUse use = use_of(x);
  if (use.size != 0 && finds_its_bytes(x)) return run_masked(x, *code, use);
  return run_native(x, *code, use, unit > Unit::kVexInteger);
}

}  // namespace cumulet::hypervisor
