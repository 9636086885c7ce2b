// Random bytes as code, with random registers, in every mode: whatever they do, the host process goes on.
#include <gtest/gtest.h>
#include <random>

#include "hypervisor/interpret/test_guest.h"

namespace cumulet::hypervisor {
namespace {

enum class Mode : uint8_t { kReal, kProtected, kLong, kUser };

class HostileGuest : public testing::TestWithParam<Mode> {
 protected:
  uint8_t byte() { return static_cast<uint8_t>(random_()); }

  void enter(TestGuest& guest) {
    switch (GetParam()) {
      case Mode::kReal: return guest.enter_real_mode();
      case Mode::kProtected: return guest.enter_protected_mode();
      case Mode::kLong: return guest.enter_long_mode();
      case Mode::kUser: return guest.enter_user_mode();
    }
  }

  // Registers that often point into memory, at its end, or nowhere.
  uint64_t value() {
    switch (random_() % 8) {
      case 0: return random_();
      case 1: return 0x400000 - random_() % 64;
      case 2: return random_() & 0xff;
      case 3: return 0x7ffffffffff0 + random_() % 32;
      case 4: return ~uint64_t{0} - random_() % 64;
      default: return random_() % 0x400000;
    }
  }

  std::vector<uint8_t> code() {
    std::vector<uint8_t> bytes(16);
    for (uint8_t& b : bytes) b = byte();
    if (random_() % 2 == 0) bytes[random_() % 3] = 0x0f;
    if (random_() % 8 == 0) bytes[0] = 0xc4;
    if (random_() % 16 == 0) bytes[0] = 0xf0;
    return bytes;
  }

  // Answers whatever the machine was asked.
  void answer(Exit& exit) {
    if (auto* io = std::get_if<PortIoExit>(&exit)) std::ranges::fill(io->data, byte());
    if (auto* mmio = std::get_if<MmioExit>(&exit)) std::ranges::fill(mmio->data, byte());
    if (auto* msr = std::get_if<MsrExit>(&exit)) *msr->fault = random_() % 2 == 0;
  }

  std::mt19937_64 random_{static_cast<uint64_t>(GetParam()) + 77};
};

TEST_P(HostileGuest, HarmsOnlyItself) {
  constexpr int kSequences = 4000;
  constexpr int kStepsEach = 12;
  TestGuest guest;
  for (int sequence = 0; sequence < kSequences; ++sequence) {
    guest.interpreter->abandon();
    enter(guest);
    for (uint64_t& gpr : guest.state().gpr) gpr = value();
    for (uint8_t vector = 0; vector < 32; ++vector) guest.set_gate(vector);
    guest.put64(TestGuest::kPageTables, (TestGuest::kPageTables + 0x1000) | 7);
    uint64_t base = guest.cpu.in_64bit_code() ? 0 : guest.state().segments[kCs].base;
    for (int step = 0; step < kStepsEach; ++step) {
      if (!guest.interpreter->in_flight()) {
        uint64_t at = (guest.state().rip + base) % 0x3ff000;
        if (at >= TestGuest::kCode) guest.put(at, code());
      }
      std::optional<Exit> exit = guest.interpreter->step();
      if (!exit) continue;
      answer(*exit);
      // What is left out is known: tasks, virtual-8086 mode, old call gates, tables outside RAM.
      if (auto* failure = std::get_if<FailureExit>(&*exit)) {
        EXPECT_EQ(failure->reason.find("not implemented"), std::string::npos) << failure->reason;
        EXPECT_EQ(failure->reason.find("unexpected"), std::string::npos) << failure->reason;
      }
      if (std::holds_alternative<ShutdownExit>(*exit) || std::holds_alternative<FailureExit>(*exit)) break;
      guest.state().activity = Activity::kRunning;
    }
  }
}

std::string mode_name(const testing::TestParamInfo<Mode>& tested) {
  constexpr const char* kNames[] = {"Real", "Protected", "Long", "User"};
  return kNames[static_cast<size_t>(tested.param)];
}

INSTANTIATE_TEST_SUITE_P(Modes, HostileGuest,
                         testing::Values(Mode::kReal, Mode::kProtected, Mode::kLong, Mode::kUser), mode_name);

}  // namespace
}  // namespace cumulet::hypervisor
