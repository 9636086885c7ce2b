// The guest that the interpreter's tests share.
#include "hypervisor/interpret/test_guest.h"

#include <gtest/gtest.h>

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kPresent = 1, kWrite = 2, kUser = 4, kLarge = 0x80;

Segment flat(uint16_t selector, uint32_t attributes) { return {selector, attributes, 0xffffffff, 0}; }
}  // namespace

TestGuest::TestGuest() : memory(GuestMemory::create({{0, 4 << 20, 0}}).value()) {
  cpu.memory = memory.get();
  put64(kGdt + 0x08, 0x00af9b000000ffff);  // 64-bit code, level 0
  put64(kGdt + 0x10, 0x00cf93000000ffff);  // data, level 0
  put64(kGdt + 0x20, 0x00cff3000000ffff);  // data, level 3
  put64(kGdt + 0x28, 0x00affb000000ffff);  // 64-bit code, level 3
  put64(kGdt + 0x30, 0x00cf9b000000ffff);  // 32-bit code, level 0
  put64(kGdt + 0x38, 0x0000890000000067 | kTss << 16);
  put64(kGdt + 0x40, 0);
  put64(kGdt + 0x48, 0x00009b000000ffff);  // 16-bit code
  put64(kGdt + 0x50, 0x000093000000ffff);  // 16-bit data
  put64(kTss + 4, kStack);                 // RSP0
  put64(kTss + 36, kStack + 0x8000);       // IST1
  put64(kPageTables, (kPageTables + 0x1000) | kPresent | kWrite | kUser);
  put64(kPageTables + 0x1000, (kPageTables + 0x2000) | kPresent | kWrite | kUser);
  put64(kPageTables + 0x2000, kPresent | kWrite | kUser | kLarge);
  put64(kPageTables + 0x2008, kSmallPageTable | kPresent | kWrite | kUser);
  for (uint64_t i = 0; i < 512; ++i)
    put64(kSmallPageTable + i * 8, (kSmallPages + i * 4096) | kPresent | kWrite | kUser);
  interpreter = std::make_unique<Interpreter>(cpu);
}

void TestGuest::enter_long_mode() {
  cpu.state = reset_state();
  CpuState& s = cpu.state;
  s.cr0 = cr0::kPe | cr0::kPg | cr0::kEt | cr0::kNe | cr0::kWp | cr0::kMp;
  s.cr4 = cr4::kPae | cr4::kPge | cr4::kOsfxsr | cr4::kOsxmmexcpt | cr4::kOsxsave | cr4::kFsgsbase;
  s.xcr0 = 7;
  s.cr3 = kPageTables;
  s.msr.efer = efer::kLme | efer::kLma | efer::kSce | efer::kNx;
  s.segments.fill(flat(kDataSelector, 0xc093));
  s.segments[kCs] = flat(kCode64, 0xa09b);
  s.gdtr = {kGdt, 0xff};
  s.idtr = {kIdt, 0xfff};
  s.tr = {kTssSelector, 0x8b, 0x67, kTss};
  s.rip = kCode;
  s.gpr[kRsp] = kStack;
}

void TestGuest::enter_user_mode() {
  enter_long_mode();
  cpu.state.segments.fill(flat(kUserData, 0xc0f3));
  cpu.state.segments[kCs] = flat(kUserCode64, 0xa0fb);
}

void TestGuest::enter_protected_mode() {
  enter_long_mode();
  CpuState& s = cpu.state;
  s.cr0 &= ~cr0::kPg;
  s.msr.efer = 0;
  s.segments[kCs] = flat(kCode32, 0xc09b);
  s.tr = {kTssSelector, 0x8b, 0x67, kTss};
}

void TestGuest::enter_real_mode() {
  cpu.state = reset_state();
  cpu.state.segments[kCs] = {0x1000, 0x9b, 0xffff, kCode};
  cpu.state.segments[kDs].selector = cpu.state.segments[kEs].selector = 0x2000;
  cpu.state.segments[kDs].base = cpu.state.segments[kEs].base = kData;
  cpu.state.segments[kSs].selector = 0x2800;
  cpu.state.segments[kSs].base = 0x28000;
  cpu.state.idtr = {0, 0x3ff};
  cpu.state.rip = 0;
  cpu.state.gpr[kRsp] = 0x8000;
}

void TestGuest::code(std::initializer_list<uint8_t> bytes) {
  const CpuState& s = cpu.state;
  put(s.rip + (cpu.in_64bit_code() ? 0 : s.segments[kCs].base), bytes);
}

void TestGuest::put(uint64_t address, const std::vector<uint8_t>& bytes) {
  ASSERT_TRUE(memory->write(address, bytes));
}

void TestGuest::put64(uint64_t address, uint64_t value) {
  ASSERT_TRUE(memory->write_value<uint64_t>(address, value));
}

uint64_t TestGuest::get64(uint64_t address) const {
  uint64_t value = 0;
  EXPECT_TRUE(memory->read_value(address, value));
  return value;
}

void TestGuest::set_gate(uint8_t vector, uint8_t dpl, uint8_t ist) {
  uint64_t target = kHandlers + 16u * vector;
  uint64_t low = (target & 0xffff) | uint64_t{kCode64} << 16 | uint64_t{ist} << 32 | uint64_t{0x8e} << 40 |
                 uint64_t{dpl} << 45 | (target >> 16 & 0xffff) << 48;
  put64(kIdt + vector * 16u, low);
  put64(kIdt + vector * 16u + 8, 0);
}

void TestGuest::step() {
  std::optional<Exit> exit = interpreter->step();
  ASSERT_FALSE(exit.has_value()) << "exit number " << exit->index();
}

}  // namespace cumulet::hypervisor
