// Whole machines with tiny guest programs, on each engine: console, power, resets, interrupts, second
// processor.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <mutex>
#include <string>
#include <thread>
#include <unistd.h>

#include "base/clock.h"
#include "command/vm/engine_choice.h"
#include "hypervisor/machine/life_cycle.h"

namespace cumulet::command {
namespace {

using hypervisor::EndReason;
using hypervisor::LifeCycle;
using hypervisor::MachineConfig;
using hypervisor::MachineEnd;

constexpr uint16_t kCom1 = 0x3f8, kLineStatus = kCom1 + 5, kPm1Status = 0x600, kPm1Enable = 0x602,
                   kPm1Control = 0x604;
constexpr uint32_t kApic = 0xfee00000;
constexpr uint32_t kCell = 0x80000;  // RAM that boot leaves alone

// 32-bit guest code in a multiboot kernel that says where to load itself: flat segments, paging and
// interrupts off.
class GuestProgram {
 public:
  static constexpr uint32_t kLoadAddress = 0x100000;

  GuestProgram() {
    constexpr uint32_t kMagic = 0x1badb002, kHasAddresses = 1 << 16, kHeaderSize = 32;
    for (uint32_t word : {kMagic, kHasAddresses, 0 - (kMagic + kHasAddresses), kLoadAddress, kLoadAddress, 0u,
                          0u, kLoadAddress + kHeaderSize})
      imm32(word);
  }
  GuestProgram& bytes(std::initializer_list<uint8_t> code) {
    file_.insert(file_.end(), code);
    return *this;
  }
  GuestProgram& out8(uint16_t port, uint8_t value) {
    return bytes({0xba}).imm32(port).bytes({0xb0, value, 0xee});
  }
  GuestProgram& out16(uint16_t port, uint16_t value) {
    return bytes({0xba}).imm32(port).bytes({0xb8}).imm32(value).bytes({0x66, 0xef});
  }
  GuestProgram& in8(uint16_t port) { return bytes({0xba}).imm32(port).bytes({0xec}); }         // to AL
  GuestProgram& in16(uint16_t port) { return bytes({0xba}).imm32(port).bytes({0x66, 0xed}); }  // to AX
  GuestProgram& print(std::string_view text) {
    for (char character : text) out8(kCom1, static_cast<uint8_t>(character));
    return *this;
  }
  GuestProgram& store32(uint32_t address, uint32_t value) {
    return bytes({0xc7, 0x05}).imm32(address).imm32(value);
  }
  GuestProgram& load32(uint32_t address) { return bytes({0xa1}).imm32(address); }  // to EAX
  GuestProgram& test_eax(uint32_t mask) { return bytes({0xa9}).imm32(mask); }
  GuestProgram& jump_if_zero_to(uint32_t address) {
    return bytes({0x0f, 0x84}).imm32(address - (here() + 4));
  }
  GuestProgram& jump_to(uint32_t address) { return bytes({0xe9}).imm32(address - (here() + 4)); }
  GuestProgram& halt_forever() { return bytes({0xf4, 0xeb, 0xfd}); }
  GuestProgram& poweroff() { return out16(kPm1Control, 1 << 13 | 5 << 10).halt_forever(); }
  // Makes interrupt `vector` enter the code that follows `skip` bytes later; see interrupt_handler().
  GuestProgram& set_handler(uint8_t vector, uint32_t handler) {
    constexpr uint32_t kIdt = 0x5000, kPointer = 0x6000;
    store32(kIdt + vector * 8u, 0x10u << 16 | (handler & 0xffff));
    store32(kIdt + vector * 8u + 4, (handler & 0xffff0000) | 0x8e00);
    store32(kPointer, 0x7ff | (kIdt & 0xffff) << 16);
    store32(kPointer + 4, kIdt >> 16);
    return bytes({0x0f, 0x01, 0x1d}).imm32(kPointer);  // lidt
  }
  [[nodiscard]] uint32_t here() const { return kLoadAddress + static_cast<uint32_t>(file_.size()); }
  [[nodiscard]] const std::vector<uint8_t>& kernel() const { return file_; }

 private:
  GuestProgram& imm32(uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) file_.push_back(static_cast<uint8_t>(value >> shift));
    return *this;
  }
  std::vector<uint8_t> file_;
};

class MachineProgram : public testing::TestWithParam<node::EngineChoice> {
 protected:
  void SetUp() override {
    if (GetParam() == node::EngineChoice::kKvm && access("/dev/kvm", R_OK | W_OK) != 0)
      GTEST_SKIP() << "there is no usable /dev/kvm";
    char name[] = "/tmp/machine-program-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    config_.kernel = folder_ + "/kernel";
    config_.memory_mib = 4;
    config_.debug_exit = true;
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  LifeCycle& build(const GuestProgram& program) {
    const auto& kernel = program.kernel();
    std::ofstream(config_.kernel, std::ios::binary)
        .write(static_cast<const char*>(static_cast<const void*>(kernel.data())),
               static_cast<long>(kernel.size()));
    auto sink = [this](uint8_t byte) {
      std::lock_guard lock(lock_);
      console_ += static_cast<char>(byte);
    };
    machine_ = std::make_unique<LifeCycle>(config_, choose_engine(GetParam()), sink, clock_);
    return *machine_;
  }
  MachineEnd run(const GuestProgram& program) { return build(program).run(); }
  std::string console() {
    std::lock_guard lock(lock_);
    return console_;
  }
  // Runs the machine, and `actions` beside it as soon as the console has `text` (given up after a minute).
  MachineEnd run_and_when(const GuestProgram& program, const std::string& text,
                          const std::function<void()>& actions) {
    build(program);
    std::thread other([&] {
      for (int tries = 0; tries < 60'000 && console().find(text) == std::string::npos; ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      actions();
    });
    MachineEnd end = machine_->run();
    other.join();
    return end;
  }

  std::string folder_;
  MachineConfig config_;
  SystemClock clock_;
  std::unique_ptr<LifeCycle> machine_;
  std::mutex lock_;
  std::string console_;
};

TEST_P(MachineProgram, PrintsAndPowersOff) {
  MachineEnd end = run(GuestProgram().print("hello").poweroff());
  EXPECT_EQ(end.reason, EndReason::kPoweroff) << end.message;
  EXPECT_EQ(console(), "hello");
}

TEST_P(MachineProgram, EndsByDebugExit) {
  MachineEnd end = run(GuestProgram().out8(0xf4, 0x21).halt_forever());
  EXPECT_EQ(end.reason, EndReason::kDebugExit) << end.message;
  EXPECT_EQ(end.code, 0x21u);
}

TEST_P(MachineProgram, EndsByTripleFault) {
  // An empty IDT, and an undefined instruction.
  MachineEnd end = run(GuestProgram().store32(0x6000, 0).store32(0x6004, 0).bytes(
      {0x0f, 0x01, 0x1d, 0x00, 0x60, 0x00, 0x00, 0x0f, 0x0b}));
  EXPECT_EQ(end.reason, EndReason::kTripleFault) << end.message;
}

TEST_P(MachineProgram, ResetsByEveryRegisterAndForgetsItsRam) {
  // Each boot prints its RAM cell's value as a digit, adds one, and resets.
  for (auto [port, value] : {std::pair<uint16_t, uint8_t>{0x64, 0xfe}, {0xcf9, 0x06}}) {
    GuestProgram program;
    program.load32(kCell)
        .bytes({0x04, '0', 0xba, 0xf8, 0x03, 0, 0, 0xee})
        .store32(kCell, 1)
        .out8(port, value);
    console_.clear();
    MachineEnd end = run_and_when(program.halt_forever(), "000", [this] { machine_->kill(); });
    EXPECT_EQ(end.reason, EndReason::kKilled) << end.message;
    EXPECT_EQ(console().substr(0, 3), "000");
    EXPECT_GE(machine_->status().resets, 2u);
    EXPECT_EQ(machine_->status().state, LifeCycle::State::kEnded);
  }
}

TEST_P(MachineProgram, ResetsWhenAsked) {
  std::atomic<bool> done = false;
  MachineEnd end = run_and_when(GuestProgram().print("A").halt_forever(), "A", [&] {
    EXPECT_TRUE(machine_->reset().has_value());
    for (int tries = 0; tries < 60'000 && console() != "AA"; ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    machine_->kill();
    done = true;
  });
  EXPECT_EQ(end.reason, EndReason::kKilled) << end.message;
  EXPECT_EQ(console(), "AA");
  EXPECT_FALSE(machine_->reset().has_value());
}

TEST_P(MachineProgram, IsKilledInAnEndlessLoop) {
  MachineEnd end =
      run_and_when(GuestProgram().print("x").bytes({0xeb, 0xfe}), "x", [this] { machine_->kill(); });
  EXPECT_EQ(end.reason, EndReason::kKilled) << end.message;
}

TEST_P(MachineProgram, IsKilledWhileItWritesEverywhere) {
  // rep stosd from 0 on, past RAM into devices, for ever; then whatever comes of it.
  GuestProgram program;
  program.print("x").bytes({0x31, 0xff, 0xb9, 0xff, 0xff, 0xff, 0x0f, 0xf3, 0xab, 0xeb, 0xfe});
  MachineEnd end = run_and_when(program, "x", [this] { machine_->kill(); });
  EXPECT_NE(end.reason, EndReason::kPoweroff) << end.message;
}

TEST_P(MachineProgram, TakesATimerInterruptOutOfHalt) {
  // The handler comes first; a draft of it says how far to jump over it.
  GuestProgram draft;
  uint32_t handler = draft.jump_to(0).here();
  uint32_t behind_handler = draft.print("tick").poweroff().here();
  GuestProgram whole;
  whole.jump_to(behind_handler).print("tick").poweroff();
  whole
      .bytes({0xbc, 0x00, 0x00, 0x08, 0x00})  // mov esp, 0x80000
      .set_handler(0x40, handler)
      .store32(kApic + 0xf0, 0x1ff)  // software enable
      .store32(kApic + 0x3e0, 0xb)   // divide by 1
      .store32(kApic + 0x320, 0x40)  // one-shot, vector 0x40
      .store32(kApic + 0x380, 100'000)
      .print("wait ")
      .bytes({0xfb})  // sti
      .halt_forever();
  MachineEnd end = run(whole);
  EXPECT_EQ(end.reason, EndReason::kPoweroff) << end.message;
  EXPECT_EQ(console(), "wait tick");
}

TEST_P(MachineProgram, StartsASecondProcessor) {
  config_.vcpus = 2;
  // At 0x8000, in real mode: mov byte [0x9000], 1; hlt; jmp $-1.
  GuestProgram program;
  program.store32(0x8000, 0x900006c6)
      .store32(0x8004, 0xfdebf401)
      .store32(0x9000, 0)
      .store32(kApic + 0x310, 1 << 24)
      .store32(kApic + 0x300, 0x4500)  // INIT
      .store32(kApic + 0x310, 1 << 24)
      .store32(kApic + 0x300, 0x4608);  // startup, page 8
  uint32_t wait = program.here();
  program.load32(0x9000).test_eax(1).jump_if_zero_to(wait).print("two").poweroff();
  MachineEnd end = run(program);
  EXPECT_EQ(end.reason, EndReason::kPoweroff) << end.message;
  EXPECT_EQ(console(), "two");
}

TEST_P(MachineProgram, EchoesConsoleInput) {
  GuestProgram program;
  program.print(">");
  uint32_t wait = program.here();
  program.in8(kLineStatus).test_eax(1).jump_if_zero_to(wait).in8(kCom1).bytes({0xee});
  program.bytes({0x3c, 'q', 0x0f, 0x94, 0xc0, 0x0f, 0xb6, 0xc0});  // cmp al, 'q'; sete al; movzx eax, al
  program.test_eax(1).jump_if_zero_to(wait).poweroff();
  std::string text(100, 'a');
  text += 'q';
  MachineEnd end = run_and_when(program, ">", [&] {
    std::vector<uint8_t> bytes(text.begin(), text.end());
    machine_->send_input(bytes);
  });
  EXPECT_EQ(end.reason, EndReason::kPoweroff) << end.message;
  EXPECT_EQ(console(), ">" + text);
}

TEST_P(MachineProgram, SeesThePowerButton) {
  constexpr uint16_t kPowerButton = 1 << 8;
  GuestProgram program;
  program.out16(kPm1Enable, kPowerButton).print("?");
  uint32_t wait = program.here();
  program.in16(kPm1Status).test_eax(kPowerButton).jump_if_zero_to(wait).print("!").poweroff();
  MachineEnd end =
      run_and_when(program, "?", [this] { EXPECT_TRUE(machine_->press_power_button().has_value()); });
  EXPECT_EQ(end.reason, EndReason::kPoweroff) << end.message;
  EXPECT_EQ(console(), "?!");
}

TEST_P(MachineProgram, SaysWhyItCannotStart) {
  std::ofstream(config_.kernel) << "#!/bin/sh\n";
  machine_ = std::make_unique<LifeCycle>(
      config_, choose_engine(GetParam()), [](uint8_t) {}, clock_);
  MachineEnd end = machine_->run();
  EXPECT_EQ(end.reason, EndReason::kFailure);
  EXPECT_NE(end.message.find("not a kernel"), std::string::npos) << end.message;
  EXPECT_NE(end.message.find("a script"), std::string::npos) << end.message;
}

std::string engine_label(const testing::TestParamInfo<node::EngineChoice>& param) {
  return std::string(node::engine_choice_name(param.param));
}
INSTANTIATE_TEST_SUITE_P(Engines, MachineProgram,
                         testing::Values(node::EngineChoice::kEmulated, node::EngineChoice::kKvm),
                         engine_label);

}  // namespace
}  // namespace cumulet::command
