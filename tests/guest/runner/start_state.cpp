// Building the start state of guest programs.
#include "start_state.h"

#include "base/check.h"

namespace cumulet::guest_test {

using namespace hypervisor;

namespace {
// Descriptors by selector; layout as SDM volume 3, 3.4.5.
constexpr uint64_t kDescriptors[] = {
    0,                   // 0x00
    0x00af9b000000ffff,  // 0x08 code, 64-bit, ring 0
    0x00cf93000000ffff,  // 0x10 data, ring 0
    0x00cffb000000ffff,  // 0x18 code, 32-bit, ring 3
    0x00cff3000000ffff,  // 0x20 data, ring 3
    0x00affb000000ffff,  // 0x28 code, 64-bit, ring 3
    0x0000890018000067,  // 0x30 available TSS at kTss, 0x68 bytes
    0,                   // 0x38 its upper half (64-bit)
    0x00cf9b000000ffff,  // 0x40 code, 32-bit, ring 0
    0x00009b000000ffff,  // 0x48 code, 16-bit, ring 0, 64 KiB
    0x000093000000ffff,  // 0x50 data, 16-bit, ring 0, 64 KiB
    0x000093200000000f,  // 0x58 data, base 0x200000, 16 bytes
    0x00cf13000000ffff,  // 0x60 data, not present
    0x00cf91000000ffff,  // 0x68 data, read-only
};
constexpr uint16_t kGdtLimit = 0x7f;  // 0x70 and 0x78 are free for the program

constexpr uint64_t kPresent = 1, kWritable = 2, kUser = 4, kLarge = 0x80;
constexpr uint64_t kPage = 4096, kLargePage = 2 << 20;

void put(GuestMemory& memory, GuestAddress address, uint64_t value) {
  CHECK(memory.write_value(address, value));
}

Segment segment_of(uint16_t selector) {
  uint64_t descriptor = kDescriptors[selector / 8];
  uint32_t limit = (descriptor & 0xffff) | (descriptor >> 32 & 0xf0000);
  bool pages = (descriptor >> 55 & 1) != 0;
  return {selector, static_cast<uint32_t>(descriptor >> 40) & 0xf0ff, pages ? limit << 12 | 0xfff : limit,
          (descriptor >> 16 & 0xffffff) | (descriptor >> 56 << 24)};
}
}  // namespace

GuestAddress load_address(StartMode mode) { return mode == StartMode::kReal ? kRealProgram : kProgram; }

void write_tables(GuestMemory& memory) {
  for (size_t i = 0; i < std::size(kDescriptors); ++i) put(memory, kGdt + 8 * i, kDescriptors[i]);
  put(memory, kTss + 4, 0x88000);                          // RSP0
  put(memory, kTss + 0x24, 0x8a000);                       // IST1
  put(memory, kTss + 0x2c, 0x8c000);                       // IST2
  CHECK(memory.write_value<uint16_t>(kTss + 0x66, 0x68));  // no I/O bitmap

  put(memory, kPml4, (kPml4 + kPage) | kPresent | kWritable | kUser);
  for (uint64_t gib = 0; gib < 4; ++gib) {
    GuestAddress directory = kPml4 + (2 + gib) * kPage;
    put(memory, kPml4 + kPage + 8 * gib, directory | kPresent | kWritable | kUser);
    for (uint64_t i = 0; i < 512; ++i)
      put(memory, directory + 8 * i, ((gib * 512 + i) * kLargePage) | kPresent | kWritable | kLarge);
  }
  put(memory, kPml4 + 8, (kPml4 + 6 * kPage) | kPresent | kWritable | kUser);
  put(memory, kPml4 + 6 * kPage, (kPml4 + 7 * kPage) | kPresent | kWritable | kUser);
  put(memory, kPml4 + 7 * kPage, (kPml4 + 8 * kPage) | kPresent | kWritable | kUser);
}

CpuState start_state(StartMode mode, uint64_t rip, uint64_t rsp) {
  CpuState state = reset_state();
  state.rip = rip;
  state.gpr[kRsp] = rsp;
  state.cr0 = cr0::kEt | cr0::kNe;
  if (mode == StartMode::kReal) {
    state.segments[kCs].selector = 0;
    state.segments[kCs].base = 0;
    state.idtr = {0, 0x3ff};
    state.gpr[kRsp] = 0x7000;
    return state;
  }
  for (Segment& segment : state.segments) segment = segment_of(0x10);
  state.gdtr = {kGdt, kGdtLimit};
  state.idtr = {0x2000, 0xfff};
  state.cr0 |= cr0::kPe | cr0::kMp;
  state.segments[kCs] = segment_of(mode == StartMode::kLong ? 0x08 : 0x40);
  state.tr = {0x30, 0x8b, 0x67, kTss};
  if (mode == StartMode::kLong) {
    state.cr0 |= cr0::kPg | cr0::kWp;
    state.cr3 = kPml4;
    state.cr4 = cr4::kPae | cr4::kPge | cr4::kOsfxsr | cr4::kOsxmmexcpt;
    state.msr.efer = efer::kSce | efer::kLme | efer::kLma | efer::kNx;
  }
  return state;
}

}  // namespace cumulet::guest_test
