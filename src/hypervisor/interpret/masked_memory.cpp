// Instructions with a memory operand under an opmask: what is masked out causes no fault (SDM volume 2, 2.7.4
// and 2.8).
#include "hypervisor/interpret/masked_memory.h"

#include <algorithm>
#include <array>
#include <optional>

#include "hypervisor/interpret/memory_access.h"
#include "hypervisor/interpret/native.h"
#include "hypervisor/interpret/page_pair.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kMostBytes = 64;
using OperandBytes = std::array<uint8_t, kMostBytes>;

// The operand's bytes in one page.
struct Part {
  uint64_t begin = 0, size = 0;         // from the operand's first byte on
  std::optional<Exception> fault = {};  // what touching it raises
};

struct MaskedOperand {
  uint64_t linear = 0;
  std::array<Part, 2> parts;  // the second may be empty

  [[nodiscard]] uint64_t page_offset() const { return linear & (PagePair::kPage - 1); }
  [[nodiscard]] MutableByteView copy_in(PagePair& pair, uint64_t size) const {
    return pair.pages(!parts[0].fault, !parts[1].fault).subspan(page_offset(), size);
  }
};

// Some instructions need their whole operand, masked out or not (SDM volume 2, 2.8: types that end in NF).
bool touches_all(const Execution& x) {
  switch (x.info().meta.exception_class) {
    case ZYDIS_EXCEPTION_CLASS_E1NF:
    case ZYDIS_EXCEPTION_CLASS_E2NF:
    case ZYDIS_EXCEPTION_CLASS_E3NF:
    case ZYDIS_EXCEPTION_CLASS_E4NF:
    case ZYDIS_EXCEPTION_CLASS_E5NF:
    case ZYDIS_EXCEPTION_CLASS_E6NF:
    case ZYDIS_EXCEPTION_CLASS_E9NF:
    case ZYDIS_EXCEPTION_CLASS_E10NF:
    case ZYDIS_EXCEPTION_CLASS_E11NF: return true;
    default: return false;
  }
}

MaskedOperand locate(Execution& x, const MemoryUse& use) {
  MaskedOperand operand;
  bool fits = to_linear(x, use.segment, use.offset, 1, AccessType::kRead, operand.linear);
  if (!fits) x.exception.reset();  // said again by the part that is touched
  uint64_t in_first = std::min(use.size, PagePair::kPage - operand.page_offset());
  operand.parts[0] = {0, in_first};
  operand.parts[1] = {in_first, use.size - in_first};
  return operand;
}

// After a step that failed: true if the guest raises an exception for this part, which is noted in it. False:
// something else ends the instruction.
bool take_fault(Execution& x, Part& part) {
  if (!x.exception) return false;
  part.fault = std::exchange(x.exception, std::nullopt);
  return true;
}

// Runs the instruction on a copy of which the parts with faults are missing. Stops with the fault of the part
// that it touches, where it touches it.
bool run_on_copy(Execution& x, const NativeCode& code, const MemoryUse& use, const MaskedOperand& operand,
                 uint64_t pointer) {
  std::optional<uint64_t> touched;
  if (run_at(x, code, use, true, pointer, &touched)) return true;
  if (!touched) return false;
  uint64_t at = *touched - pointer;
  bool in_second = operand.parts[1].size != 0 && at >= operand.parts[1].begin;
  const Part& part = operand.parts[in_second ? 1 : 0];
  CHECK(part.fault.has_value());
  Exception fault = *part.fault;
  if (fault.vector == kPageFaultVector) fault.address = operand.linear + at;
  return x.stop(fault);
}

bool load(Execution& x, const NativeCode& code, const MemoryUse& use, PagePair& pair) {
  MaskedOperand operand = locate(x, use);
  OperandBytes bytes{};
  for (Part& part : operand.parts) {
    if (part.size == 0) continue;
    uint64_t linear = 0;
    bool read = to_linear(x, use.segment, use.offset + part.begin, part.size, AccessType::kRead, linear) &&
                read_linear(x, linear, MutableByteView(bytes).subspan(part.begin, part.size));
    if (!read && !take_fault(x, part)) return false;
  }
  MutableByteView copy = operand.copy_in(pair, use.size);
  for (const Part& part : operand.parts)
    if (!part.fault) std::copy_n(bytes.begin() + part.begin, part.size, copy.begin() + part.begin);
  return run_on_copy(x, code, use, operand, address_value(copy.data()));
}

// What a store leaves in memory that is full of `background`.
bool store_to_copy(Execution& x, const NativeCode& code, const MemoryUse& use, const MaskedOperand& operand,
                   PagePair& pair, uint8_t background, OperandBytes& stored) {
  MutableByteView copy = operand.copy_in(pair, use.size);
  for (const Part& part : operand.parts)
    if (!part.fault) std::ranges::fill(copy.subspan(part.begin, part.size), background);
  if (!run_on_copy(x, code, use, operand, address_value(copy.data()))) return false;
  for (const Part& part : operand.parts)
    if (!part.fault) std::ranges::copy(copy.subspan(part.begin, part.size), stored.begin() + part.begin);
  return true;
}

// Calls `act` with begin and size of each run of bytes in `part` that are the same in both. False as soon as
// `act` is.
template <typename Act>
bool for_each_run(const Part& part, const OperandBytes& one, const OperandBytes& other, const Act& act) {
  for (uint64_t i = part.begin; i < part.begin + part.size;) {
    uint64_t end = i;
    while (end < part.begin + part.size && one[end] == other[end]) ++end;
    if (end > i && !act(i, end - i)) return false;
    i = end + 1;
  }
  return true;
}

// Which bytes the instruction stores: `one` and `other` are alike there.
bool try_store(Execution& x, const NativeCode& code, const MemoryUse& use, const MaskedOperand& operand,
               PagePair& pair, OperandBytes& one, OperandBytes& other) {
  constexpr size_t kMxcsr = 24;
  constexpr uint32_t kAllMasked = 0x1f80;  // a page fault comes before the exception of a conversion
  const auto before = x.state.xsave;
  store_le<uint32_t>(x.state.xsave, kMxcsr, load_le<uint32_t>(before, kMxcsr) | kAllMasked);
  bool done = store_to_copy(x, code, use, operand, pair, 0x00, one) &&
              store_to_copy(x, code, use, operand, pair, 0xff, other);
  x.state.xsave = before;
  return done;
}

bool store(Execution& x, const NativeCode& code, const MemoryUse& use, PagePair& pair) {
  MaskedOperand operand = locate(x, use);
  OperandBytes one, other;
  if (!try_store(x, code, use, operand, pair, one, other)) return false;
  uint64_t linear = 0;
  auto linear_of = [&](uint64_t begin, uint64_t size) {
    return to_linear(x, use.segment, use.offset + begin, size, AccessType::kWrite, linear);
  };
  auto check = [&](uint64_t begin, uint64_t size) {
    return linear_of(begin, size) && check_write(x, linear, size);
  };
  for (Part& part : operand.parts) {
    if (part.size == 0) continue;
    bool allowed = touches_all(x) ? check(part.begin, part.size) : for_each_run(part, one, other, check);
    if (!allowed && !take_fault(x, part)) return false;
  }
  const auto before = x.state.xsave;
  if (!store_to_copy(x, code, use, operand, pair, 0x00, one)) return false;
  for (const Part& part : operand.parts) {
    if (part.fault) return x.stop(*part.fault);
    bool written = for_each_run(part, one, other, [&](uint64_t begin, uint64_t size) {
      return linear_of(begin, size) && write_linear(x, linear, ByteView(one).subspan(begin, size));
    });
    if (written) continue;
    x.state.xsave = before;
    return false;
  }
  return true;
}
}  // namespace

bool finds_its_bytes(const Execution& x) {
  if (x.info().mnemonic == ZYDIS_MNEMONIC_VCVTPS2PH) return true;
  ZydisRegister mask = x.info().avx.mask.reg;
  return x.info().encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX && mask > ZYDIS_REGISTER_K0 &&
         mask <= ZYDIS_REGISTER_K7;
}

bool run_masked(Execution& x, const NativeCode& code, const MemoryUse& use) {
  thread_local PagePair pair;
  CHECK(use.size <= kMostBytes && use.reads != use.writes);
  uint64_t linear = 0;
  AccessType type = use.writes ? AccessType::kWrite : AccessType::kRead;
  if (touches_all(x) && !to_linear(x, use.segment, use.offset, use.size, type, linear)) return false;
  return use.writes ? store(x, code, use, pair) : load(x, code, use, pair);
}

}  // namespace cumulet::hypervisor
