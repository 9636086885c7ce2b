// Fuzz target: arbitrary guest code at CPL 0 or 3 on the emulated engine. It may do what it likes to its
// machine; the engine must neither fail nor run on when it is kicked.
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "fuzz_input.h"

#include "base/check.h"
#include "hypervisor/translate/engine.h"

namespace {

using namespace cumulet;
using namespace cumulet::hypervisor;

constexpr uint64_t kRamSize = 2 << 20;
constexpr uint64_t kPml4 = 0x1000, kPdpt = 0x2000, kDirectory = 0x3000, kPages = 0x4000;
constexpr uint64_t kGdt = 0x5000, kIdt = 0x6000, kHandler = 0x7000, kStack = 0x20000, kCode = 0x100000;
constexpr uint64_t kPresentWriteUser = 7;
constexpr uint32_t kMostExits = 40, kMostKicks = 2;

// One engine for all inputs, so that translated code of one meets the writes of the next.
class Guest {
 public:
  Guest() {
    auto memory = GuestMemory::create({{0, kRamSize, 0}});
    CHECK(memory.has_value());
    memory_ = std::move(*memory);
    auto engine = create_translate_engine(*memory_, {TranslateMode::kChainedBlocks, uint64_t{1} << 20});
    CHECK(engine.has_value());
    engine_ = std::move(*engine);
    auto vcpu = engine_->create_vcpu(0, engine_->supported_cpuid());
    CHECK(vcpu.has_value());
    vcpu_ = std::move(*vcpu);
    kicker_ = std::thread([this] {
      while (!stop_) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        vcpu_->kick();
      }
    });
  }
  ~Guest() {
    stop_ = true;
    kicker_.join();
  }

  void run(FuzzInput input) {
    make_tables();
    auto set = vcpu_->set_state(start_state(input, engine_->supported_cpuid().query(0xd, 0).eax));
    CHECK(set.has_value());
    std::span<const uint8_t> code;
    for (uint64_t at = kCode; !(code = input.bytes(64)).empty(); at += code.size())
      CHECK(memory_->write(at, std::vector<uint8_t>(code.begin(), code.end())));
    engine_->memory_changed(0, kRamSize);
    uint32_t kicks = 0;
    for (uint32_t exits = 0; exits < kMostExits && kicks < kMostKicks; ++exits) {
      Exit exit = vcpu_->run();
      if (std::holds_alternative<HaltExit>(exit) || std::holds_alternative<ShutdownExit>(exit)) break;
      if (std::holds_alternative<InterruptedExit>(exit)) ++kicks;
      if (auto* msr = std::get_if<MsrExit>(&exit)) *msr->fault = true;
      if (auto* failure = std::get_if<FailureExit>(&exit)) {
        CHECK(failure->reason.find("the translator's own code") == std::string::npos);
        break;
      }
    }
  }

 private:
  void put(uint64_t address, uint64_t value) { CHECK(memory_->write_value<uint64_t>(address, value)); }

  void make_tables() {
    CHECK(memory_->zero(0, kRamSize));
    put(kPml4, kPdpt | kPresentWriteUser);
    put(kPdpt, kDirectory | kPresentWriteUser);
    put(kDirectory, kPages | kPresentWriteUser);
    for (uint64_t page = 0; page < 512; ++page) put(kPages + page * 8, page << 12 | kPresentWriteUser);
    put(kGdt + 8, 0x00af9b000000ffff);
    put(kGdt + 16, 0x00cf93000000ffff);
    for (uint64_t vector = 0; vector < 32; ++vector)
      put(kIdt + vector * 16, kHandler | 8 << 16 | uint64_t{0x8e00} << 32);
    CHECK(memory_->write_value<uint8_t>(kHandler, 0xf4));
  }

  static CpuState start_state(FuzzInput& input, uint64_t extended_state) {
    bool user = (input.byte() & 1) != 0;
    CpuState state = reset_state();
    state.cr0 = cr0::kPe | cr0::kPg | cr0::kEt | cr0::kNe | cr0::kMp | cr0::kWp;
    state.cr3 = kPml4;
    state.cr4 = cr4::kPae | cr4::kOsfxsr | cr4::kOsxmmexcpt | cr4::kOsxsave;
    state.xcr0 = extended_state;
    state.msr.efer = efer::kLme | efer::kLma | efer::kNx | efer::kSce;
    uint32_t privilege = user ? 0x60 : 0;
    for (Segment& segment : state.segments) segment = {16, 0xc093 | privilege, 0xffffffff, 0};
    state.segments[kCs] = {8, 0xa09b | privilege, 0xffffffff, 0};
    state.gdtr = {kGdt, 23};
    state.idtr = {kIdt, 32 * 16 - 1};
    for (uint64_t& value : state.gpr) value = kCode + input.below(0x4000);
    state.gpr[kRsp] = kStack;
    state.rip = kCode + input.below(64);
    return state;
  }

  std::unique_ptr<GuestMemory> memory_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Vcpu> vcpu_;
  std::atomic<bool> stop_ = false;
  std::thread kicker_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Guest guest;
  guest.run(FuzzInput(data, size));
  return 0;
}
