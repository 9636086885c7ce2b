// Vector instructions that touch memory element by element: masked moves and gathers.
#include <algorithm>
#include <array>

#include "hypervisor/interpret/compute.h"
#include "hypervisor/interpret/instructions.h"
#include "hypervisor/interpret/memory_access.h"
#include "hypervisor/interpret/native.h"
#include "hypervisor/interpret/operands.h"
#include "hypervisor/interpret/wide_state.h"

namespace cumulet::hypervisor {

namespace {
constexpr size_t kStack = 32, kXmm = 160, kYmmHigh = 576;
constexpr size_t kMaxVector = 32;

constexpr size_t kStatusHigh = 3, kTagWord = 4;

uint8_t x87_top(const CpuState& state) { return state.xsave[kStatusHigh] >> 3 & 7; }

// What every MMX instruction does to the x87 unit: top of stack 0, all registers in use (SDM volume
// 1, 9.5.1).
void enter_mmx(CpuState& state) {
  constexpr size_t kSlots = 8, kSlotSize = 16;
  auto stack = state.xsave.begin() + kStack;
  std::rotate(stack, stack + ((kSlots - x87_top(state)) & 7) * kSlotSize, stack + kSlots * kSlotSize);
  state.xsave[kStatusHigh] &= 0xc7;
  state.xsave[kTagWord] = 0xff;
}

// A vector register's bytes, read from and written to the XSAVE area.
struct VectorRegister {
  uint8_t index = 0;
  uint8_t size = 0;  // bytes: 8 (MMX), 16 or 32

  explicit VectorRegister(ZydisRegister name) {
    if (name >= ZYDIS_REGISTER_YMM0 && name <= ZYDIS_REGISTER_YMM15) {
      index = static_cast<uint8_t>(name - ZYDIS_REGISTER_YMM0);
      size = 32;
    } else if (name >= ZYDIS_REGISTER_XMM0 && name <= ZYDIS_REGISTER_XMM15) {
      index = static_cast<uint8_t>(name - ZYDIS_REGISTER_XMM0);
      size = 16;
    } else if (name >= ZYDIS_REGISTER_MM0 && name <= ZYDIS_REGISTER_MM7) {
      index = static_cast<uint8_t>(name - ZYDIS_REGISTER_MM0);
      size = 8;
    }
  }

  [[nodiscard]] std::array<uint8_t, kMaxVector> read(const CpuState& state) const {
    std::array<uint8_t, kMaxVector> bytes{};
    // MMX registers are the physical x87 registers; the area holds the stack from its top on.
    size_t slot = size == 8 ? kStack + ((index - x87_top(state)) & 7) * 16 : kXmm + index * 16;
    std::copy_n(state.xsave.begin() + slot, std::min<size_t>(size, 16), bytes.begin());
    if (size == 32) std::copy_n(state.xsave.begin() + kYmmHigh + index * 16, 16, bytes.begin() + 16);
    return bytes;
  }
  // Writes 32 bytes: a VEX instruction clears what lies above its vector.
  void write(CpuState& state, const std::array<uint8_t, kMaxVector>& bytes) const {
    std::copy_n(bytes.begin(), 16, state.xsave.begin() + kXmm + index * 16);
    std::copy_n(bytes.begin() + 16, 16, state.xsave.begin() + kYmmHigh + index * 16);
    clear_upper_half(state, index);
  }
};

bool mask_bit(const std::array<uint8_t, kMaxVector>& mask, size_t element, size_t element_size) {
  return (mask[(element + 1) * element_size - 1] & 0x80) != 0;
}

MutableByteView element_of(std::array<uint8_t, kMaxVector>& bytes, size_t element, size_t element_size) {
  return MutableByteView(bytes).subspan(element * element_size, element_size);
}

bool has_wide_elements(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_VMASKMOVPD:
    case ZYDIS_MNEMONIC_VPMASKMOVQ:
    case ZYDIS_MNEMONIC_VGATHERDPD:
    case ZYDIS_MNEMONIC_VGATHERQPD:
    case ZYDIS_MNEMONIC_VPGATHERDQ:
    case ZYDIS_MNEMONIC_VPGATHERQQ: return true;
    default: return false;
  }
}

bool has_wide_indices(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_VGATHERQPS:
    case ZYDIS_MNEMONIC_VGATHERQPD:
    case ZYDIS_MNEMONIC_VPGATHERQD:
    case ZYDIS_MNEMONIC_VPGATHERQQ: return true;
    default: return false;
  }
}

// Stores the elements whose mask bit is set; all or none.
bool store_masked(Execution& x, SegmentRegister segment, uint64_t offset,
                  std::array<uint8_t, kMaxVector> source, const std::array<uint8_t, kMaxVector>& mask,
                  size_t count, size_t element_size) {
  uint64_t linear = 0;
  for (bool store : {false, true}) {
    for (size_t i = 0; i < count; ++i) {
      if (!mask_bit(mask, i, element_size)) continue;
      if (!to_linear(x, segment, offset + i * element_size, element_size, AccessType::kWrite, linear))
        return false;
      bool done = store ? write_linear(x, linear, element_of(source, i, element_size))
                        : check_write(x, linear, element_size);
      if (!done) return false;
    }
  }
  return true;
}

uint64_t gather_offset(const Execution& x, const ZydisDecodedOperand& memory,
                       std::array<uint8_t, kMaxVector>& indices, size_t element, size_t index_size) {
  uint64_t raw = load_le_sized(element_of(indices, element, index_size));
  int64_t index = index_size == 8 ? static_cast<int64_t>(raw) : static_cast<int32_t>(raw);
  uint64_t offset = read_register(x, memory.mem.base) + static_cast<uint64_t>(index) * memory.mem.scale;
  if (memory.mem.disp.has_displacement) offset += static_cast<uint64_t>(memory.mem.disp.value);
  return offset & low_mask(x.info().address_width);
}
}  // namespace

// MASKMOVQ and MASKMOVDQU: bytes to [RDI].
bool execute_masked_store(Execution& x) {
  VectorRegister source(ZYDIS_REGISTER_NONE);
  VectorRegister mask(ZYDIS_REGISTER_NONE);
  SegmentRegister segment = kDs;
  for (int i = 0; i < x.info().operand_count; ++i) {
    const ZydisDecodedOperand& operand = x.operand(i);
    if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) segment = segment_of(operand.mem.segment);
    if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    VectorRegister vector(operand.reg.value);
    if (vector.size != 0) (source.size == 0 ? source : mask) = vector;
  }
  bool mmx = source.size == 8;
  Unit unit = x.info().encoding == ZYDIS_INSTRUCTION_ENCODING_VEX ? Unit::kAvx
              : mmx                                               ? Unit::kMmx
                                                                  : Unit::kSse;
  if (!require_unit(x, unit)) return false;
  normalize_xsave(x.state);
  if (mmx && x87_error_waits(x.state)) return x.stop({kX87Error});
  uint64_t offset = read_gpr(x, kRdi, x.info().address_width);
  if (!store_masked(x, segment, offset, source.read(x.state), mask.read(x.state), source.size, 1))
    return false;
  if (mmx) enter_mmx(x.state);
  return true;
}

// VMASKMOVPS, VMASKMOVPD, VPMASKMOVD and VPMASKMOVQ.
bool execute_masked_move(Execution& x) {
  if (!require_unit(x, Unit::kAvx)) return false;
  normalize_xsave(x.state);
  size_t element_size = has_wide_elements(x.info().mnemonic) ? 8 : 4;
  bool stores = x.operand(0).type == ZYDIS_OPERAND_TYPE_MEMORY;
  const ZydisDecodedOperand& memory = x.operand(stores ? 0 : 2);
  VectorRegister data(x.operand(stores ? 2 : 0).reg.value);
  auto mask = VectorRegister(x.operand(1).reg.value).read(x.state);
  SegmentRegister segment = segment_of(memory.mem.segment);
  uint64_t offset = effective_offset(x, memory);
  size_t count = data.size / element_size;
  if (stores) return store_masked(x, segment, offset, data.read(x.state), mask, count, element_size);
  std::array<uint8_t, kMaxVector> loaded{};
  for (size_t i = 0; i < count; ++i) {
    if (mask_bit(mask, i, element_size) &&
        !read_memory(x, segment, offset + i * element_size, element_of(loaded, i, element_size)))
      return false;
  }
  data.write(x.state, loaded);
  return true;
}

// AVX2 gathers: a fault keeps the elements before it, and their mask bits cleared (SDM volume 2, VGATHERDPS).
bool execute_gather(Execution& x) {
  if (x.info().encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX) return execute_wide_gather(x);
  if (!require_unit(x, Unit::kAvx)) return false;
  normalize_xsave(x.state);
  const ZydisDecodedOperand& memory = x.operand(1);
  VectorRegister data(x.operand(0).reg.value);
  VectorRegister mask(x.operand(2).reg.value);
  VectorRegister index(memory.mem.index);
  if (data.index == mask.index || data.index == index.index || mask.index == index.index)
    return x.stop(invalid_opcode());
  size_t element_size = has_wide_elements(x.info().mnemonic) ? 8 : 4;
  size_t index_size = has_wide_indices(x.info().mnemonic) ? 8 : 4;
  size_t count = std::min<size_t>(data.size / element_size, index.size / index_size);
  auto values = data.read(x.state);
  auto mask_bytes = mask.read(x.state);
  auto indices = index.read(x.state);
  SegmentRegister segment = segment_of(memory.mem.segment);
  for (size_t i = 0; i < count; ++i) {
    if (!mask_bit(mask_bytes, i, element_size)) continue;
    uint64_t offset = gather_offset(x, memory, indices, i, index_size);
    if (!read_memory(x, segment, offset, element_of(values, i, element_size))) return false;
    std::ranges::fill(element_of(mask_bytes, i, element_size), uint8_t{0});
    data.write(x.state, values);
    mask.write(x.state, mask_bytes);
    x.checkpoint();
    x.requests.clear();
  }
  std::fill(values.begin() + count * element_size, values.end(), uint8_t{0});
  data.write(x.state, values);
  mask.write(x.state, {});
  return true;
}

}  // namespace cumulet::hypervisor
