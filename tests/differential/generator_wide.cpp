// How random AVX-512 instructions and their registers are drawn.
#include <array>
#include <cstring>

#include "generator.h"

#include "hypervisor/x86/extended_state.h"

namespace cumulet::differential {

namespace {

constexpr uint8_t kEvex = 0x62, kVex3 = 0xc4;
constexpr size_t kXmm = 160, kYmmHigh = 576;
// Vector registers that hold small numbers at the start, so that gathers and scatters hit the data area: of 4
// bytes in those with bit 2 clear, of 8 bytes in the others.
constexpr bool holds_indices(size_t reg) { return (reg & 8) != 0; }
constexpr bool holds_wide_indices(size_t reg) { return (reg & 4) != 0; }

// Where 16 bytes of a register lie in the XSAVE area.
size_t place_of(size_t reg, size_t quarter) {
  const hypervisor::WideLayout& layout = hypervisor::host_wide_layout();
  if (reg >= 16) return layout.high_registers + (reg - 16) * 64 + quarter * 16;
  if (quarter == 0) return kXmm + reg * 16;
  if (quarter == 1) return kYmmHigh + reg * 16;
  return layout.upper_halves + reg * 32 + (quarter - 2) * 16;
}

// Instructions whose memory operand is not simply a vector: moves, truncations, extensions, broadcasts,
// compressed and expanded elements, extracts, half-precision numbers. A range of opcodes each.
struct OwnMemory {
  uint8_t map, opcode, count;
};
constexpr OwnMemory kOwnMemory[] = {{1, 0x10, 2}, {1, 0x6f, 1}, {1, 0x7f, 1}, {1, 0x28, 2}, {2, 0x10, 6},
                                    {2, 0x20, 6}, {2, 0x30, 6}, {2, 0x18, 4}, {2, 0x58, 4}, {2, 0x78, 2},
                                    {2, 0x62, 2}, {2, 0x88, 4}, {3, 0x19, 1}, {3, 0x1b, 1}, {3, 0x1d, 1},
                                    {3, 0x39, 1}, {3, 0x3b, 1}, {2, 0x13, 1}};

}  // namespace

// All of zmm0 to zmm31 and k0 to k7: random bits, numbers, small indices.
void Generator::draw_wide_registers(VectorState& vector) {
  const hypervisor::WideLayout& layout = hypervisor::host_wide_layout();
  if (layout.end == 0) return;
  for (size_t i = 0; i < 8; ++i) {
    uint64_t mask = chance(25) ? ~uint64_t{0} : chance(15) ? 0 : random_();
    if (chance(15)) mask &= random_() & random_();
    std::memcpy(vector.data() + layout.opmask + i * 8, &mask, sizeof(mask));
  }
  for (size_t reg = 0; reg < 32; ++reg) {
    bool numbers = chance(50), indices = holds_indices(reg) && chance(85);
    for (size_t quarter = indices || reg >= 16 ? 0 : 2; quarter < 4; ++quarter) {
      std::array<uint8_t, 16> bytes;
      for (size_t i = 0; i < 16; i += 8) {
        uint64_t value = random_();
        double number = static_cast<double>(static_cast<int64_t>(value)) / (uint64_t{1} << below(63));
        if (numbers) std::memcpy(&value, &number, sizeof(value));
        if (indices) {
          auto small = [this] { return static_cast<int32_t>(below(chance(95) ? 512 : 8192)) - 256; };
          value = holds_wide_indices(reg)
                      ? static_cast<uint64_t>(int64_t{small()})
                      : uint64_t{static_cast<uint32_t>(small())} << 32 | static_cast<uint32_t>(small());
        }
        std::memcpy(bytes.data() + i, &value, sizeof(value));
      }
      std::memcpy(vector.data() + place_of(reg, quarter), bytes.data(), bytes.size());
    }
  }
}

std::vector<uint8_t> Generator::draw_opmask_operation() {
  static constexpr uint8_t kOpcodes[] = {0x41, 0x42, 0x44, 0x45, 0x46, 0x47, 0x4a,
                                         0x4b, 0x90, 0x91, 0x92, 0x93, 0x98, 0x99};
  std::vector<uint8_t> bytes;
  bool shift = chance(15);
  auto flags = static_cast<uint8_t>(random_() | 0x40);  // the upper half of vvvv names no opmask
  bytes = {kVex3, static_cast<uint8_t>(0xe0 | (shift ? 3 : 1)), flags};
  bytes.push_back(shift ? static_cast<uint8_t>(0x30 + below(4)) : kOpcodes[below(std::size(kOpcodes))]);
  if (chance(15)) bytes[1] &= 0x7f;
  draw_operands(bytes);
  return bytes;
}

std::vector<uint8_t> Generator::draw_gather_or_scatter() {
  auto opcode = static_cast<uint8_t>((chance(60) ? 0x90 : 0xa0) + below(4));
  bool wide_indices = (opcode & 1) != 0;
  auto index = static_cast<uint8_t>(8 | (wide_indices ? 4 : 0) | below(4) | (chance(50) ? 16 : 0));
  auto data = static_cast<uint8_t>(below(32));
  auto inverted = [](bool set, uint8_t bit) { return static_cast<uint8_t>(set ? 0 : bit); };
  static constexpr uint8_t kBases[] = {3, 6, 7};  // rbx, rsi, rdi
  auto first = static_cast<uint8_t>(inverted((data & 8) != 0, 0x80) | inverted((index & 8) != 0, 0x40) |
                                    0x20 | inverted((data & 16) != 0, 0x10) | 2);
  auto second = static_cast<uint8_t>((chance(50) ? 0x80 : 0) | 0x78 | 4 | 1);
  auto third = static_cast<uint8_t>(below(3) << 5 | inverted((index & 16) != 0, 8) | below(8));
  bool displaced = chance(40);
  std::vector<uint8_t> bytes = {kEvex, first, second, third, opcode};
  bytes.push_back(static_cast<uint8_t>((displaced ? 0x44 : 0x04) | (data & 7) << 3));
  bytes.push_back(static_cast<uint8_t>(below(4) << 6 | (index & 7) << 3 | kBases[below(3)]));
  if (displaced) bytes.push_back(static_cast<uint8_t>(random_()));
  bytes.resize(15);
  return bytes;
}

std::vector<uint8_t> Generator::draw_wide() {
  constexpr uint8_t kExtensions = 0x60, kModeMask = 0xc0, kShortDisplacement = 0x40, kSibFollows = 4;
  if (chance(4)) return draw_opmask_operation();
  if (chance(4)) return draw_gather_or_scatter();
  std::vector<uint8_t> bytes = {kEvex, static_cast<uint8_t>((random_() & 0xf0) | (1 + below(3))),
                                static_cast<uint8_t>(random_() | 4), static_cast<uint8_t>(random_()),
                                static_cast<uint8_t>(random_())};
  if (chance(15)) {
    const OwnMemory& drawn = kOwnMemory[below(std::size(kOwnMemory))];
    bytes[1] = static_cast<uint8_t>((bytes[1] & 0xf0) | drawn.map);
    bytes[2] |= 0x78;  // vvvv names no register
    bytes[3] |= 8;
    bytes[4] = static_cast<uint8_t>(drawn.opcode + below(drawn.count));
  }
  if (chance(30)) bytes[3] &= 0x78;  // no mask
  if (chance(50)) bytes[3] |= 8;     // one of the first 16 registers, or none
  if (chance(30)) bytes[2] |= 0x78, bytes[3] |= 8;
  draw_operands(bytes);
  uint8_t modrm = bytes[5];
  if ((modrm & kModeMask) == kModeMask) return bytes;
  if (chance(95)) bytes[1] |= kExtensions;
  bool sib = (modrm & 7) == kSibFollows;
  if ((modrm & kModeMask) == kShortDisplacement && chance(85))  // in units of up to 64 bytes
    bytes[sib ? 7 : 6] = static_cast<uint8_t>(static_cast<int>(below(9)) - 4);
  return bytes;
}

}  // namespace cumulet::differential
