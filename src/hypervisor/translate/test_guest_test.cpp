// The tests' guest: its tables and how it is run.
#include "hypervisor/translate/test_guest.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace cumulet::hypervisor::test {

namespace {
constexpr uint64_t kPresentWriteUser = 7, kLargePage = 0x80;
constexpr uint64_t kHalt = 0xf4;
constexpr uint32_t kCode64 = 0xa09b, kData64 = 0xc093;
}  // namespace

TestGuest::TestGuest(TranslateMode mode, uint32_t vcpus, uint64_t code_cache_size,
                     const std::string& translation_cache) {
  auto memory = GuestMemory::create({{0, kRamSize, 0}});
  CHECK(memory.has_value());
  memory_ = std::move(*memory);
  make_tables();
  auto engine =
      create_translate_engine(*memory_, {mode, code_cache_size, DirectMemory::kAutomatic, translation_cache});
  CHECK(engine.has_value());
  engine_ = std::move(*engine);
  for (uint32_t i = 0; i < vcpus; ++i) {
    auto vcpu = engine_->create_vcpu(i, engine_->supported_cpuid());
    CHECK(vcpu.has_value());
    vcpus_.push_back(std::move(*vcpu));
    set_state(start_state(), i);
  }
}

// PML4 and PDPT, a page directory of 2 MiB pages for the first GiB, and page tables for RAM.
void TestGuest::make_tables() {
  constexpr uint64_t kPdpt = kTables + 0x1000, kDirectory = kTables + 0x2000, kPageTables = kTables + 0x3000;
  auto put = [&](uint64_t address, uint64_t value) { CHECK(memory_->write_value<uint64_t>(address, value)); };
  put(kTables, kPdpt | kPresentWriteUser);
  put(kPdpt, kDirectory | kPresentWriteUser);
  for (uint64_t i = 0; i < 512; ++i) put(kDirectory + i * 8, i << 21 | kPresentWriteUser | kLargePage);
  for (uint64_t i = 0; i < kRamSize >> 21; ++i)
    put(kDirectory + i * 8, (kPageTables + i * 0x1000) | kPresentWriteUser);
  for (uint64_t i = 0; i < kRamSize >> 12; ++i) put(kPageTables + i * 8, i << 12 | kPresentWriteUser);

  put(kGdt + 8, 0x00af9b000000ffff);
  put(kGdt + 16, 0x00cf93000000ffff);
  for (uint64_t vector = 0; vector < 256; ++vector) {
    uint64_t handler = kHandlers + vector;
    CHECK(memory_->write_value<uint8_t>(handler, kHalt));
    put(kIdt + vector * 16, (handler & 0xffff) | 8 << 16 | uint64_t{0x8e00} << 32 | handler >> 16 << 48);
    put(kIdt + vector * 16 + 8, 0);
  }
}

void TestGuest::place(uint64_t address, const std::vector<uint8_t>& code) {
  CHECK(memory_->write(address, code));
  engine_->memory_changed(address, code.size());
}

void TestGuest::write(uint64_t address, uint64_t value) {
  CHECK(memory_->write_value<uint64_t>(address, value));
}

uint64_t TestGuest::read(uint64_t address) const {
  uint64_t value = 0;
  CHECK(memory_->read_value<uint64_t>(address, value));
  return value;
}

CpuState TestGuest::start_state(uint64_t rip) {
  CpuState state = reset_state();
  state.cr0 = cr0::kPe | cr0::kPg | cr0::kEt | cr0::kNe | cr0::kMp | cr0::kWp;
  state.cr3 = kTables;
  state.cr4 = cr4::kPae | cr4::kOsfxsr | cr4::kOsxmmexcpt | cr4::kOsxsave;
  state.xcr0 = 7;
  state.msr.efer = efer::kLme | efer::kLma | efer::kNx | efer::kSce;
  for (Segment& segment : state.segments) segment = {16, kData64, 0xffffffff, 0};
  state.segments[kCs] = {8, kCode64, 0xffffffff, 0};
  state.gdtr = {kGdt, 23};
  state.idtr = {kIdt, 256 * 16 - 1};
  state.rip = rip;
  state.gpr[kRsp] = kStackTop;
  return state;
}

void TestGuest::set_state(const CpuState& state, uint32_t vcpu) {
  auto result = vcpus_[vcpu]->set_state(state);
  CHECK(result.has_value());
}

CpuState TestGuest::run_to_halt(uint32_t vcpu) {
  Exit exit = vcpus_[vcpu]->run();
  EXPECT_TRUE(std::holds_alternative<HaltExit>(exit)) << "exit " << exit.index();
  return vcpus_[vcpu]->get_state();
}

}  // namespace cumulet::hypervisor::test
