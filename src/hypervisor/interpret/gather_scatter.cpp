// AVX-512's gathers and scatters, element by element (SDM volume 2, VGATHERDPS and VSCATTERDPS).
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
struct NamedVector {
  uint8_t index = 0;
  uint8_t size = 0;  // bytes

  explicit NamedVector(ZydisRegister name) {
    auto within = [&](ZydisRegister first, ZydisRegister last, uint8_t bytes) {
      if (name >= first && name <= last) index = static_cast<uint8_t>(name - first), size = bytes;
    };
    within(ZYDIS_REGISTER_XMM0, ZYDIS_REGISTER_XMM31, 16);
    within(ZYDIS_REGISTER_YMM0, ZYDIS_REGISTER_YMM31, 32);
    within(ZYDIS_REGISTER_ZMM0, ZYDIS_REGISTER_ZMM31, 64);
  }
};

// The operands, and what the mnemonic says about them.
struct Elements {
  const ZydisDecodedOperand& memory;
  NamedVector data, indices;
  uint8_t mask;
  uint64_t element_size, index_size, count;
};

bool has_wide_elements(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_VGATHERDPD:
    case ZYDIS_MNEMONIC_VGATHERQPD:
    case ZYDIS_MNEMONIC_VPGATHERDQ:
    case ZYDIS_MNEMONIC_VPGATHERQQ:
    case ZYDIS_MNEMONIC_VSCATTERDPD:
    case ZYDIS_MNEMONIC_VSCATTERQPD:
    case ZYDIS_MNEMONIC_VPSCATTERDQ:
    case ZYDIS_MNEMONIC_VPSCATTERQQ: return true;
    default: return false;
  }
}

bool has_wide_indices(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_VGATHERQPS:
    case ZYDIS_MNEMONIC_VGATHERQPD:
    case ZYDIS_MNEMONIC_VPGATHERQD:
    case ZYDIS_MNEMONIC_VPGATHERQQ:
    case ZYDIS_MNEMONIC_VSCATTERQPS:
    case ZYDIS_MNEMONIC_VSCATTERQPD:
    case ZYDIS_MNEMONIC_VPSCATTERQD:
    case ZYDIS_MNEMONIC_VPSCATTERQQ: return true;
    default: return false;
  }
}

Elements elements_of(const Execution& x, bool scatter) {
  const ZydisDecodedOperand& memory = x.operand(scatter ? 0 : 2);
  Elements elements{memory,
                    NamedVector(x.operand(scatter ? 2 : 0).reg.value),
                    NamedVector(memory.mem.index),
                    static_cast<uint8_t>(x.info().avx.mask.reg - ZYDIS_REGISTER_K0),
                    has_wide_elements(x.info().mnemonic) ? 8u : 4u,
                    has_wide_indices(x.info().mnemonic) ? 8u : 4u,
                    0};
  elements.count =
      std::min(elements.data.size / elements.element_size, elements.indices.size / elements.index_size);
  return elements;
}

uint64_t offset_of(const Execution& x, const Elements& elements, const WideVector& indices,
                   uint64_t element) {
  ByteView bytes = ByteView(indices).subspan(element * elements.index_size, elements.index_size);
  uint64_t index = elements.index_size == 8
                       ? load_le<uint64_t>(bytes, 0)
                       : static_cast<uint64_t>(static_cast<int32_t>(load_le<uint32_t>(bytes, 0)));
  uint64_t offset = read_register(x, elements.memory.mem.base) + index * elements.memory.mem.scale;
  if (elements.memory.mem.disp.has_displacement)
    offset += static_cast<uint64_t>(elements.memory.mem.disp.value);
  return offset & low_mask(x.info().address_width);
}

// An element is done: nothing before it is done again after a fault or an exit to the machine.
void element_done(Execution& x, const Elements& elements, uint64_t element) {
  write_opmask(x.state, elements.mask, read_opmask(x.state, elements.mask) & ~(uint64_t{1} << element));
  x.checkpoint();
  x.requests.clear();
}

bool prepare(Execution& x) {
  if (!require_unit(x, Unit::kWide)) return false;
  normalize_xsave(x.state);
  make_wide_state_present(x.state);
  bool masked = x.info().avx.mask.reg > ZYDIS_REGISTER_K0 && x.info().avx.mask.reg <= ZYDIS_REGISTER_K7;
  return masked || x.stop(invalid_opcode());
}
}  // namespace

bool execute_wide_gather(Execution& x) {
  if (!prepare(x)) return false;
  const Elements elements = elements_of(x, false);
  if (elements.data.index == elements.indices.index) return x.stop(invalid_opcode());
  SegmentRegister segment = segment_of(elements.memory.mem.segment);
  WideVector indices = read_wide_vector(x.state, elements.indices.index);
  WideVector values = read_wide_vector(x.state, elements.data.index);
  // Above the vector's length there are zeros as soon as an element is written, above the last element (which
  // may be in its middle) when all are: so it is on AMD's processors, and the manual leaves it open.
  auto clear_from = [&values](uint64_t byte) {
    std::fill(values.begin() + static_cast<ptrdiff_t>(byte), values.end(), uint8_t{0});
  };
  clear_from(std::max(elements.data.size, elements.indices.size));
  for (uint64_t i = 0; i < elements.count; ++i) {
    if ((read_opmask(x.state, elements.mask) >> i & 1) == 0) continue;
    MutableByteView value = MutableByteView(values).subspan(i * elements.element_size, elements.element_size);
    if (!read_memory(x, segment, offset_of(x, elements, indices, i), value)) return false;
    write_wide_vector(x.state, elements.data.index, values);
    element_done(x, elements, i);
  }
  clear_from(elements.count * elements.element_size);
  write_wide_vector(x.state, elements.data.index, values);
  write_opmask(x.state, elements.mask, 0);
  return true;
}

bool execute_wide_scatter(Execution& x) {
  if (!prepare(x)) return false;
  const Elements elements = elements_of(x, true);
  SegmentRegister segment = segment_of(elements.memory.mem.segment);
  WideVector indices = read_wide_vector(x.state, elements.indices.index);
  WideVector values = read_wide_vector(x.state, elements.data.index);
  for (uint64_t i = 0; i < elements.count; ++i) {
    if ((read_opmask(x.state, elements.mask) >> i & 1) == 0) continue;
    ByteView value = ByteView(values).subspan(i * elements.element_size, elements.element_size);
    if (!write_memory(x, segment, offset_of(x, elements, indices, i), value)) return false;
    element_done(x, elements, i);
  }
  write_opmask(x.state, elements.mask, 0);
  return true;
}

}  // namespace cumulet::hypervisor
