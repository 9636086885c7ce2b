// TestGuest: a small guest in 64-bit mode for the tests of this module.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hypervisor/memory/guest_memory.h"
#include "hypervisor/translate/engine.h"
#include "hypervisor/vcpu/vcpu.h"

namespace cumulet::hypervisor::test {

// RAM is 16 MiB from 0, mapped 1:1 for supervisor and user by 4 KiB pages, with everything up to 1 GiB behind
// it mapped 1:1 too (devices). Guest-physical layout:
inline constexpr uint64_t kRamSize = uint64_t{16} << 20;
inline constexpr uint64_t kIdt = 0x8000, kGdt = 0x9000, kTables = 0x10000, kHandlers = 0xa000;
inline constexpr uint64_t kStackTop = 0x80000, kData = 0x90000, kCode = 0x100000, kDevice = 0x2000'0000;

// The parameter of the tests, and the names of its values for GoogleTest.
inline constexpr TranslateMode kAllModes[] = {
    TranslateMode::kInterpretOnly, TranslateMode::kSingleInstructionBlocks, TranslateMode::kChainedBlocks};
inline constexpr auto kModeName = [](const auto& tested) {
  constexpr const char* kNames[] = {"Interpreted", "SingleInstructions", "Chained"};
  return std::string(kNames[static_cast<size_t>(tested.param)]);
};

class TestGuest {
 public:
  explicit TestGuest(TranslateMode mode, uint32_t vcpus = 1, uint64_t code_cache_size = uint64_t{64} << 20,
                     const std::string& translation_cache = {});

  // Puts code at an address, as a device would: with Engine::memory_changed().
  void place(uint64_t address, const std::vector<uint8_t>& code);
  void write(uint64_t address, uint64_t value);
  [[nodiscard]] uint64_t read(uint64_t address) const;

  // CPL 0 at `rip`, rsp = kStackTop, interrupts off. An exception vector n goes to the hlt at kHandlers + n.
  [[nodiscard]] static CpuState start_state(uint64_t rip = kCode);
  void set_state(const CpuState& state, uint32_t vcpu = 0);
  // Runs until the guest halts; anything else fails the test.
  CpuState run_to_halt(uint32_t vcpu = 0);

  [[nodiscard]] Vcpu& vcpu(uint32_t number = 0) { return *vcpus_[number]; }
  [[nodiscard]] Engine& engine() { return *engine_; }

 private:
  void make_tables();

  std::unique_ptr<GuestMemory> memory_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::unique_ptr<Vcpu>> vcpus_;
};

}  // namespace cumulet::hypervisor::test
