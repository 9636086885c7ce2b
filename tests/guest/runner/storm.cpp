// guest_storm: runs guests made of random code from random states; whatever they do, the host must survive
// and each kick must be answered.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "platform.h"
#include "storm_guest.h"

#include "hypervisor/kvm/engine.h"
#include "hypervisor/translate/engine.h"

namespace cumulet::guest_test {
namespace {

using namespace hypervisor;

constexpr int kPassed = 0, kFailed = 1, kUsage = 2, kSkipped = 77;
constexpr auto kPatience = std::chrono::seconds(60);

Result<std::unique_ptr<Engine>> create_engine(const std::string& name, GuestMemory& memory) {
  if (name == "kvm") return create_kvm_engine(memory);
  TranslateOptions options;
  options.code_cache_size = 2 << 20;  // small, so that it fills up
  if (name == "interpreter") {
    options.mode = TranslateMode::kInterpretOnly;
  } else if (name == "single") {
    options.mode = TranslateMode::kSingleInstructionBlocks;
  } else if (name == "direct") {
    options.direct_memory = DirectMemory::kAlways;
  } else if (name != "translator") {
    return fail(ErrorCode::kInvalidArgument, "unknown engine: " + name);
  }
  return create_translate_engine(memory, options);
}

// Kicks a vCPU every few milliseconds until it is destroyed, and ends the process when nothing answers.
class Kicker {
 public:
  explicit Kicker(Vcpu& vcpu) : vcpu_(vcpu), thread_([this] { run(); }) {}
  ~Kicker() {
    {
      std::lock_guard lock(mutex_);
      done_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  Kicker(const Kicker&) = delete;
  Kicker& operator=(const Kicker&) = delete;

  void answered() { last_answer_ = std::chrono::steady_clock::now(); }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::milliseconds(3), [this] { return done_; })) {
      vcpu_.kick();
      if (std::chrono::steady_clock::now() - last_answer_.load() < kPatience) continue;
      fmt::print("a kick was not answered within 60 s\n");
      std::fflush(stdout);
      std::abort();
    }
  }

  Vcpu& vcpu_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;
  std::atomic<std::chrono::steady_clock::time_point> last_answer_ = std::chrono::steady_clock::now();
  std::thread thread_;
};

// Answers one exit with random data. False: the guest has ended.
bool answer(Vcpu& vcpu, const Exit& exit, std::mt19937_64& random, bool& interrupt_wanted) {
  auto fill = [&random](MutableByteView data) {
    for (uint8_t& byte : data) byte = static_cast<uint8_t>(random());
  };
  if (const auto* port = std::get_if<PortIoExit>(&exit)) {
    if (port->direction == Direction::kRead) fill(port->data);
  } else if (const auto* mmio = std::get_if<MmioExit>(&exit)) {
    if (mmio->direction == Direction::kRead) fill(mmio->data);
  } else if (const auto* msr = std::get_if<MsrExit>(&exit)) {
    if (msr->direction == Direction::kRead) *msr->value = random();
    *msr->fault = random() % 2 == 0;
  } else if (std::holds_alternative<HaltExit>(exit)) {
    if (random() % 8 == 0) vcpu.inject_nmi();
    interrupt_wanted = true;
    return vcpu.can_inject() || random() % 16 != 0;
  } else if (std::holds_alternative<InterruptedExit>(exit)) {
    interrupt_wanted = random() % 2 == 0;
    if (random() % 16 == 0) vcpu.inject_nmi();
  }
  return !std::holds_alternative<ShutdownExit>(exit) && !std::holds_alternative<FailureExit>(exit);
}

// How the guests of a storm ended.
struct Tally {
  uint64_t exits = 0, shutdowns = 0, halts = 0, refused = 0;
  std::map<std::string, uint64_t> failures;  // by reason

  void add(const Tally& other) {
    exits += other.exits;
    shutdowns += other.shutdowns;
    halts += other.halts;
    refused += other.refused;
    for (const auto& [reason, count] : other.failures) failures[reason] += count;
  }
};

// Drives one vCPU until its guest ends or has had its share of exits and kicks.
Tally drive(Engine& engine, Vcpu& vcpu, const CpuState& state, std::mt19937_64 random) {
  Tally tally;
  if (!vcpu.set_state(state)) {
    ++tally.refused;
    return tally;
  }
  Kicker kicker(vcpu);
  bool interrupt_wanted = false;
  for (uint32_t kicks = 0; tally.exits < 400 && kicks < 4; ++tally.exits) {
    if (interrupt_wanted) {
      if (vcpu.can_inject()) {
        vcpu.inject(static_cast<uint8_t>(32 + random() % 224));
        interrupt_wanted = false;
      } else {
        vcpu.request_interrupt_window();
      }
    }
    Exit exit = vcpu.run();
    kicker.answered();
    if (std::holds_alternative<InterruptedExit>(exit)) ++kicks;
    if (!answer(vcpu, exit, random, interrupt_wanted)) {
      tally.shutdowns += std::holds_alternative<ShutdownExit>(exit) ? 1 : 0;
      tally.halts += std::holds_alternative<HaltExit>(exit) ? 1 : 0;
      if (const auto* failure = std::get_if<FailureExit>(&exit))
        ++tally.failures[failure->reason.substr(0, failure->reason.find(": "))];
      break;
    }
    if (tally.exits % 32 == 31) engine.memory_changed(0, kStormRamSize);
    if (tally.exits % 64 == 63) (void)vcpu.get_state();
  }
  return tally;
}

// Runs one guest, every other one with two vCPUs on the same memory.
Result<void> run_guest(const std::string& engine_name, uint64_t seed, Tally& total) {
  std::mt19937_64 random(seed);
  auto memory = TRY(GuestMemory::create({{0, kStormRamSize, 0}}));
  auto engine = TRY(create_engine(engine_name, *memory));
  std::vector<std::unique_ptr<Vcpu>> vcpus;
  for (uint32_t i = 0; i < 1 + seed % 2; ++i)
    vcpus.push_back(TRY(engine->create_vcpu(i, engine->supported_cpuid())));
  CpuState state = make_storm_guest(*memory, random);
  std::vector<Tally> tallies(vcpus.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < vcpus.size(); ++i) {
    std::mt19937_64 own(random());
    CpuState own_state = state;
    own_state.rip += own() % 64 * (i == 0 ? 0 : 1);
    threads.emplace_back([&, i, own, own_state] { tallies[i] = drive(*engine, *vcpus[i], own_state, own); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Tally& tally : tallies) total.add(tally);
  return {};
}

int storm(const std::string& engine_name, uint64_t first_seed, uint64_t guests) {
  Tally tally;
  for (uint64_t seed = first_seed; seed < first_seed + guests; ++seed) {
    if (std::getenv("GUEST_STORM_VERBOSE") != nullptr) {
      fmt::print("seed {}\n", seed);
      std::fflush(stdout);
    }
    auto result = run_guest(engine_name, seed, tally);
    if (!result) {
      bool absent = engine_name == "kvm" && (result.error().code == ErrorCode::kUnsupported ||
                                             result.error().code == ErrorCode::kPermissionDenied);
      fmt::print("{}: {}\n", absent ? "skipped" : "failed", result.error().to_string());
      return absent ? kSkipped : kFailed;
    }
  }
  fmt::print(
      "{} guests, {} exits; the host survived. {} vCPUs shut down, {} halted for good, {} could not start\n",
      guests, tally.exits, tally.shutdowns, tally.halts, tally.refused);
  for (const auto& [reason, count] : tally.failures) fmt::print("{:6} failed: {}\n", count, reason);
  return kPassed;
}

}  // namespace
}  // namespace cumulet::guest_test

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: guest_storm interpreter|single|translator|direct|kvm FIRST_SEED GUESTS\n");
    return cumulet::guest_test::kUsage;
  }
  return cumulet::guest_test::storm(argv[1], std::strtoull(argv[2], nullptr, 0),
                                    std::strtoull(argv[3], nullptr, 0));
}
