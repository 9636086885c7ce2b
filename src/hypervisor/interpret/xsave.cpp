// FXSAVE, FXRSTOR, XSAVE and XRSTOR on guest memory (SDM volume 1, 10.5 and 13).
#include <algorithm>
#include <array>

#include "hypervisor/interpret/instructions.h"
#include "hypervisor/interpret/memory_access.h"
#include "hypervisor/interpret/native.h"
#include "hypervisor/interpret/operands.h"
#include "hypervisor/interpret/wide_state.h"
#include "hypervisor/x86/extended_state.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kX87 = 1, kSse = 2, kAvx = 4;

// Offsets and sizes within the area, bytes.
constexpr size_t kMxcsr = 24, kMxcsrMask = 28, kStack = 32, kStackSize = 128, kXmm = 160, kHeader = 512,
                 kYmmHigh = 576, kLegacySize = 512;
constexpr size_t kPointers = 8, kPointersSize = 16;

// In 64-bit code all 16 vector registers move, else 8.
size_t vector_bytes(const Execution& x) { return x.code64() ? 256 : 128; }

bool wide_pointers(const Execution& x) { return x.code64() && x.info().operand_width == 64; }

bool locate(Execution& x, uint64_t size, uint64_t alignment, AccessType type, uint64_t& linear) {
  const ZydisDecodedOperand& operand = x.operand(0);
  if (!to_linear(x, segment_of(operand.mem.segment), effective_offset(x, operand), size, type, linear))
    return false;
  return (linear & (alignment - 1)) == 0 || x.stop(general_protection());
}

bool require_fxsave(Execution& x) {
  if ((x.state.cr0 & (cr0::kEm | cr0::kTs)) != 0) return x.stop({kDeviceNotAvailable});
  return true;
}

bool require_xsave(Execution& x) {
  if ((x.state.cr4 & cr4::kOsxsave) == 0) return x.stop(invalid_opcode());
  if ((x.state.cr0 & cr0::kTs) != 0) return x.stop({kDeviceNotAvailable});
  return true;
}

uint64_t requested_features(const Execution& x) {
  return ((x.state.gpr[kRdx] << 32) | (x.state.gpr[kRax] & 0xffffffff)) & x.state.xcr0;
}

// The x87 part of the area as the instruction's form wants it: without REX.W, 32-bit pointers with (zero)
// selectors.
std::array<uint8_t, 24> x87_header(const Execution& x) {
  std::array<uint8_t, 24> bytes{};
  std::copy_n(x.state.xsave.begin(), bytes.size(), bytes.begin());
  if (wide_pointers(x)) return bytes;
  for (size_t offset : {kPointers, kPointers + 8}) store_le<uint32_t>(bytes, offset + 4, 0);
  return bytes;
}

void load_x87(Execution& x, ByteView area) {
  auto& state = x.state.xsave;
  std::copy_n(area.begin(), kMxcsr, state.begin());
  if (!wide_pointers(x)) {
    for (size_t offset = kPointers; offset < kPointers + kPointersSize; offset += 8)
      store_le<uint32_t>(state, offset + 4, 0);
  }
  std::copy_n(area.begin() + kStack, kStackSize, state.begin() + kStack);
  settle_x87(x.state);
}

void reset_x87(CpuState& state) {
  std::fill_n(state.xsave.begin(), kMxcsr, uint8_t{0});
  std::fill_n(state.xsave.begin() + kStack, kStackSize, uint8_t{0});
  store_le<uint16_t>(state.xsave, 0, 0x37f);
}

bool valid_mxcsr(ByteView area) { return (load_le<uint32_t>(area, kMxcsr) & ~host_mxcsr_mask()) == 0; }

ByteView part(const CpuState& state, size_t offset, size_t size) {
  return ByteView(state.xsave).subspan(offset, size);
}

// A component of AVX-512, as much of it as there is: outside 64-bit mode 8 registers.
struct WidePart {
  uint64_t component;
  size_t offset, size;
};

std::array<WidePart, 3> wide_parts(const Execution& x) {
  const WideLayout& layout = host_wide_layout();
  bool all = x.code64();
  return {{{kOpmaskState, layout.opmask, WideLayout::kOpmaskSize},
           {kUpperHalvesState, layout.upper_halves, WideLayout::kUpperHalvesSize / (all ? 1U : 2U)},
           {kHighRegistersState, layout.high_registers, all ? WideLayout::kHighRegistersSize : 0U}}};
}

bool save_mxcsr(Execution& x, uint64_t linear) {
  store_le<uint32_t>(x.state.xsave, kMxcsrMask, host_mxcsr_mask());
  return write_linear(x, linear + kMxcsr, part(x.state, kMxcsr, 8));
}

bool save_x87(Execution& x, uint64_t linear) {
  return write_linear(x, linear, x87_header(x)) &&
         write_linear(x, linear + kStack, part(x.state, kStack, kStackSize));
}
}  // namespace

bool execute_fxsave(Execution& x) {
  uint64_t linear = 0;
  if (!require_fxsave(x) || !locate(x, kLegacySize, 16, AccessType::kWrite, linear)) return false;
  if (!check_write(x, linear, kLegacySize)) return false;
  normalize_xsave(x.state);
  return save_x87(x, linear) && save_mxcsr(x, linear) &&
         write_linear(x, linear + kXmm, part(x.state, kXmm, vector_bytes(x)));
}

bool execute_fxrstor(Execution& x) {
  uint64_t linear = 0;
  std::array<uint8_t, kLegacySize> area;
  if (!require_fxsave(x) || !locate(x, kLegacySize, 16, AccessType::kRead, linear)) return false;
  if (!read_linear(x, linear, area)) return false;
  if (!valid_mxcsr(area)) return x.stop(general_protection());
  normalize_xsave(x.state);
  load_x87(x, area);
  std::copy_n(area.begin() + kMxcsr, 4, x.state.xsave.begin() + kMxcsr);
  std::copy_n(area.begin() + kXmm, vector_bytes(x), x.state.xsave.begin() + kXmm);
  return true;
}

namespace {
// XSAVE writes components in their initial state too, XSAVEOPT does not (SDM volume 1, 13.7 and 13.9).
bool save_wide(Execution& x, uint64_t linear, uint64_t features, uint64_t in_use) {
  if ((features & kWideState) == 0) return true;
  bool optimized =
      x.info().mnemonic == ZYDIS_MNEMONIC_XSAVEOPT || x.info().mnemonic == ZYDIS_MNEMONIC_XSAVEOPT64;
  if (optimized) features &= in_use;
  make_wide_state_present(x.state);
  store_le<uint64_t>(x.state.xsave, kHeader, in_use);
  for (const WidePart& wide : wide_parts(x)) {
    if ((features & wide.component) != 0 && wide.size != 0 &&
        !write_linear(x, linear + wide.offset, part(x.state, wide.offset, wide.size)))
      return false;
  }
  return true;
}

// Components that the area's header does not have become initial, as the guest's next header will say.
void load_wide(Execution& x, ByteView area, uint64_t features, uint64_t present) {
  auto& state = x.state.xsave;
  auto in_use = load_le<uint64_t>(state, kHeader);
  make_wide_state_present(x.state);
  for (const WidePart& wide : wide_parts(x)) {
    if ((features & wide.component) == 0) continue;
    if ((present & wide.component) != 0) {
      std::copy_n(area.begin() + static_cast<ptrdiff_t>(wide.offset), wide.size, state.begin() + wide.offset);
    } else {
      std::fill_n(state.begin() + wide.offset, wide.size, uint8_t{0});
    }
  }
  if (!x.code64()) return;  // there is more of them than was loaded
  uint64_t loaded = features & kWideState;
  store_le<uint64_t>(state, kHeader, (in_use & ~loaded) | (loaded & present));
}
}  // namespace

bool execute_xsave(Execution& x) {
  uint64_t linear = 0;
  uint64_t features = requested_features(x);
  uint64_t size = host_wide_layout().area_size(features);
  if (!require_xsave(x) || !locate(x, size, 64, AccessType::kWrite, linear)) return false;
  if (!check_write(x, linear, size)) return false;
  uint64_t present = 0;
  if (!read_linear_integer(x, linear + kHeader, 8, present)) return false;
  normalize_xsave(x.state);
  if ((features & kX87) != 0 && !save_x87(x, linear)) return false;
  if ((features & (kSse | kAvx)) != 0 && !save_mxcsr(x, linear)) return false;
  if ((features & kSse) != 0 && !write_linear(x, linear + kXmm, part(x.state, kXmm, vector_bytes(x))))
    return false;
  if ((features & kAvx) != 0 && !write_linear(x, linear + kYmmHigh, part(x.state, kYmmHigh, vector_bytes(x))))
    return false;
  uint64_t in_use = load_le<uint64_t>(x.state.xsave, kHeader) | kGuestExtendedState;
  if (!save_wide(x, linear, features, in_use)) return false;
  return write_linear_integer(x, linear + kHeader, 8, (present & ~features) | (features & in_use));
}

bool execute_xrstor(Execution& x) {
  uint64_t linear = 0;
  std::array<uint8_t, kXsaveAreaSize> area{};
  uint64_t features = requested_features(x);
  size_t size = host_wide_layout().area_size(features);
  if (!require_xsave(x) || !locate(x, size, 64, AccessType::kRead, linear)) return false;
  if (!read_linear(x, linear, MutableByteView(area).first(size))) return false;
  uint64_t present = load_le<uint64_t>(area, kHeader);
  bool valid = (present & ~x.state.xcr0) == 0;
  for (size_t offset = kHeader + 8; offset < kHeader + 24; offset += 8)
    valid &= load_le<uint64_t>(area, offset) == 0;
  bool loads_mxcsr = (features & (kSse | kAvx)) != 0;
  if (!valid || (loads_mxcsr && !valid_mxcsr(area))) return x.stop(general_protection());

  normalize_xsave(x.state);
  auto& state = x.state.xsave;
  if ((features & kX87) != 0) {
    if ((present & kX87) != 0) {
      load_x87(x, area);
    } else {
      reset_x87(x.state);
    }
  }
  if (loads_mxcsr) std::copy_n(area.begin() + kMxcsr, 4, state.begin() + kMxcsr);
  auto load_vectors = [&](uint64_t feature, size_t offset) {
    if ((features & feature) == 0) return;
    if ((present & feature) != 0) {
      std::copy_n(area.begin() + offset, vector_bytes(x), state.begin() + offset);
    } else {
      std::fill_n(state.begin() + offset, vector_bytes(x), uint8_t{0});
    }
  };
  load_vectors(kSse, kXmm);
  load_vectors(kAvx, kYmmHigh);
  if ((features & kWideState) != 0) load_wide(x, area, features, present);
  return true;
}

}  // namespace cumulet::hypervisor
