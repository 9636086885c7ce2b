// Every answer of the cache is compared with the decoder's, for random instructions of every form.
#include "hypervisor/x86/decode_cache.h"

#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace cumulet::hypervisor {
namespace {

void expect_same(const DecodedInstruction& a, const DecodedInstruction& b, ByteView bytes) {
  std::string shown;
  for (uint8_t byte : bytes) shown += fmt::format("{:02x} ", byte);
  ASSERT_EQ(a.length, b.length) << shown;
  ASSERT_EQ(a.kind, b.kind) << shown;
  ASSERT_EQ(a.bytes, b.bytes) << shown;
  ASSERT_EQ(a.registers, b.registers) << shown;
  ASSERT_EQ(a.registers_written, b.registers_written) << shown;
  ASSERT_EQ(a.flags_read, b.flags_read) << shown;
  ASSERT_EQ(a.flags_killed, b.flags_killed) << shown;
  ASSERT_EQ(a.state, b.state) << shown;
  ASSERT_EQ(a.general, b.general) << shown;
  ASSERT_EQ(a.memory.size, b.memory.size) << shown;
  ASSERT_EQ(a.memory.write, b.memory.write) << shown;
  ASSERT_EQ(a.memory.rip_relative, b.memory.rip_relative) << shown;
  ASSERT_EQ(a.memory.address32, b.memory.address32) << shown;
  ASSERT_EQ(a.memory.segment, b.memory.segment) << shown;
  ASSERT_EQ(a.operand_register, b.operand_register) << shown;
  ASSERT_EQ(a.operand_size, b.operand_size) << shown;
  ASSERT_TRUE(a.kind == InstructionKind::kInterpret || a.target == b.target) << shown;
  ASSERT_EQ(a.immediate, b.immediate) << shown;
  ASSERT_EQ(a.rex_offset, b.rex_offset) << shown;
  ASSERT_EQ(a.vex_offset, b.vex_offset) << shown;
  ASSERT_EQ(a.vex_size, b.vex_size) << shown;
  ASSERT_EQ(a.opcode_offset, b.opcode_offset) << shown;
  ASSERT_EQ(a.modrm_offset, b.modrm_offset) << shown;
  ASSERT_EQ(a.operand_end, b.operand_end) << shown;
}

// Twice with other bytes behind ModRM and SIB, so that the second answer comes from the first one's entry.
void compare(DecodeCache& cache, std::vector<uint8_t> bytes, size_t form_size, std::mt19937_64& random) {
  for (int round = 0; round < 3; ++round) {
    for (size_t at = form_size; at < bytes.size(); ++at) bytes[at] = static_cast<uint8_t>(random());
    if (round == 2)
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(form_size), bytes.end(), uint8_t{0});
    uint64_t rip = random();
    expect_same(cache.decode(bytes, rip), decode_64bit(bytes, rip), bytes);
  }
}

constexpr uint8_t kPrefixes[] = {0, 0x66, 0xf2, 0xf3, 0x67, 0x64, 0x2e, 0xf0};

TEST(DecodeCache, EveryOpcodeOfTheLegacyMapsWithEveryModrm) {
  std::mt19937_64 random(1);
  DecodeCache cache;
  for (int map = 0; map < 4; ++map) {
    for (unsigned opcode = 0; opcode < 256; ++opcode) {
      for (unsigned modrm = 0; modrm < 256; ++modrm) {
        std::vector<uint8_t> bytes;
        uint8_t prefix = kPrefixes[random() % std::size(kPrefixes)];
        if (prefix != 0) bytes.push_back(prefix);
        if (random() % 2 != 0) bytes.push_back(static_cast<uint8_t>(0x40 | random() % 16));
        if (map > 0) bytes.push_back(0x0f);
        if (map > 1) bytes.push_back(map == 2 ? 0x38 : 0x3a);
        bytes.push_back(static_cast<uint8_t>(opcode));
        bytes.push_back(static_cast<uint8_t>(modrm));
        bytes.push_back(static_cast<uint8_t>(random()));
        size_t form_size = bytes.size();
        bytes.resize(20);
        compare(cache, bytes, form_size, random);
        compare(cache, bytes, form_size - 2, random);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(DecodeCache, VexInstructions) {
  std::mt19937_64 random(2);
  DecodeCache cache;
  for (uint32_t round = 0; round < 300'000; ++round) {
    std::vector<uint8_t> bytes;
    if (random() % 8 == 0) bytes.push_back(kPrefixes[1 + random() % 7]);
    bool long_form = random() % 2 != 0;
    bytes.push_back(long_form ? 0xc4 : 0xc5);
    if (long_form) bytes.push_back(static_cast<uint8_t>((random() & 0xe0) | (1 + random() % 3)));
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<uint8_t>(random()));
    size_t form_size = bytes.size();
    bytes.resize(20);
    compare(cache, bytes, form_size, random);
    if (HasFatalFailure()) return;
  }
}

TEST(DecodeCache, RandomBytesAndCutOffOnes) {
  std::mt19937_64 random(3);
  DecodeCache cache;
  for (uint32_t round = 0; round < 500'000; ++round) {
    std::vector<uint8_t> bytes(1 + random() % 20);
    for (uint8_t& byte : bytes)
      byte = random() % 4 == 0 ? kPrefixes[1 + random() % 7] : static_cast<uint8_t>(random());
    ByteView view(bytes);
    view = view.first(std::min<size_t>(view.size(), 15));
    expect_same(cache.decode(view, round), decode_64bit(view, round), view);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace cumulet::hypervisor
