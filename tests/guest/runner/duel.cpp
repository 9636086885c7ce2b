// guest_duel: runs the same random guest on two engines and compares every exit, with all registers, and all
// memory.
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fmt/format.h>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "start_state.h"
#include "storm_guest.h"

#include "base/check.h"
#include "hypervisor/kvm/engine.h"
#include "hypervisor/translate/engine.h"
#include "hypervisor/x86/extended_state.h"

namespace cumulet::guest_test {
namespace {

using namespace hypervisor;

constexpr int kSame = 0, kDifferent = 1, kUsage = 2;
constexpr size_t kMostExits = 150;
constexpr uint64_t kFewByFlags = 1, kGuestsForOneByFlags = 1000;
constexpr auto kTimeLimit = std::chrono::milliseconds(25);

Result<std::unique_ptr<Engine>> create_engine(const std::string& name, GuestMemory& memory,
                                              bool keep_all_flags) {
  if (name == "kvm") return create_kvm_engine(memory);
  TranslateOptions options;
  options.keep_all_flags = keep_all_flags;
  options.code_cache_size = 4 << 20;
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

// One exit, as text that must be equal on both engines.
struct Step {
  std::string what;
  CpuState state;
};

struct Trace {
  std::vector<Step> steps;
  bool cut = false;             // ended by the clock, so only a prefix is comparable
  bool tables_changed = false;  // the guest wrote its page tables: what a TLB still holds is up to the engine
  std::vector<uint8_t> memory;
};

// Kicks from the time limit on, until destroyed: an exit that happens at the same moment takes a kick with
// it.
class Alarm {
 public:
  explicit Alarm(Vcpu& vcpu)
      : thread_([this, &vcpu] {
          std::unique_lock lock(mutex_);
          while (!wake_.wait_for(lock, kTimeLimit, [this] { return done_; })) vcpu.kick();
        }) {}
  ~Alarm() {
    {
      std::lock_guard lock(mutex_);
      done_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;
  std::thread thread_;
};

// Describes an exit, and answers it from `random`. Empty: it was the clock.
std::string take(const Exit& exit, std::mt19937_64& random) {
  auto transfer = [&random](Direction direction, MutableByteView data) {
    if (direction == Direction::kWrite) return fmt::format("{:02x}", fmt::join(data, " "));
    for (uint8_t& byte : data) byte = static_cast<uint8_t>(random());
    return std::to_string(data.size());
  };
  if (const auto* port = std::get_if<PortIoExit>(&exit))
    return fmt::format("port {:#x} {} {}", port->port, port->direction == Direction::kRead ? "read" : "write",
                       transfer(port->direction, port->data));
  if (const auto* mmio = std::get_if<MmioExit>(&exit))
    return fmt::format("mmio {:#x} {} {}", mmio->address,
                       mmio->direction == Direction::kRead ? "read" : "write",
                       transfer(mmio->direction, mmio->data));
  if (const auto* msr = std::get_if<MsrExit>(&exit)) {
    std::string text =
        fmt::format("msr {:#x} {}", msr->index, msr->direction == Direction::kRead ? "read" : "write");
    if (msr->direction == Direction::kWrite) return text + fmt::format(" {:#x}", *msr->value);
    *msr->value = random();
    *msr->fault = random() % 2 == 0;
    return text;
  }
  if (std::holds_alternative<InterruptedExit>(exit)) return {};
  if (const auto* failure = std::get_if<FailureExit>(&exit)) return "failure: " + failure->reason;
  return fmt::format("exit {}", exit.index());
}

bool ends(const Exit& exit) {
  return std::holds_alternative<HaltExit>(exit) || std::holds_alternative<ShutdownExit>(exit) ||
         std::holds_alternative<FailureExit>(exit) || std::holds_alternative<InterruptedExit>(exit);
}

// The page tables without their accessed and dirty bits.
std::vector<uint64_t> page_tables(const GuestMemory& memory) {
  std::vector<uint64_t> entries;
  for (GuestAddress at = kPml4; at < kPml4 + 0x9000; at += 8) {
    uint64_t entry = 0;
    CHECK(memory.read_value(at, entry));
    entries.push_back(entry & ~uint64_t{0x60});
  }
  return entries;
}

Result<Trace> run_guest(const std::string& engine_name, uint64_t seed, bool keep_all_flags = false) {
  std::mt19937_64 random(seed);
  auto memory = TRY(GuestMemory::create({{0, kStormRamSize, 0}}));
  auto engine = TRY(create_engine(engine_name, *memory, keep_all_flags));
  auto vcpu = TRY(engine->create_vcpu(0, engine->supported_cpuid()));
  TRY_VOID(vcpu->set_state(make_storm_guest(*memory, random)));
  auto tables = page_tables(*memory);
  Trace trace;
  Alarm alarm(*vcpu);
  while (trace.steps.size() < kMostExits) {
    Exit exit = vcpu->run();
    std::string what = take(exit, random);
    trace.cut = what.empty();
    if (trace.cut) break;
    trace.steps.push_back({std::move(what), vcpu->get_state()});
    if (ends(exit)) break;
  }
  if (!trace.cut) {
    trace.memory.resize(kStormRamSize);
    (void)memory->read(0, trace.memory);
  }
  trace.tables_changed = page_tables(*memory) != tables;
  return trace;
}

std::string describe(const CpuState& state) {
  std::string text =
      fmt::format("  rip {:#x} cs {:#x} rflags {:#x} cr0 {:#x} cr2 {:#x} cr3 {:#x} cr4 {:#x}\n ", state.rip,
                  state.segments[kCs].selector, state.rflags, state.cr0, state.cr2, state.cr3, state.cr4);
  for (uint64_t value : state.gpr) text += fmt::format(" {:x}", value);
  return text + "\n";
}

// The x87 and vector registers, with the components that are in their initial state written out (SDM volume
// 1, 13.6).
std::array<uint8_t, kXsaveAreaSize> vector_state(const CpuState& state) {
  constexpr size_t kSseEnd = 416, kAvx = 576, kAvxSize = 256;
  std::array<uint8_t, kXsaveAreaSize> legacy{};
  std::copy_n(state.xsave.begin(), kSseEnd, legacy.begin());
  uint64_t in_use = load_le<uint64_t>(state.xsave, 512);
  if ((in_use & 1) == 0) {
    std::fill(legacy.begin(), legacy.begin() + 24, uint8_t{0});
    std::fill(legacy.begin() + 32, legacy.begin() + 160, uint8_t{0});
    store_le<uint16_t>(legacy, 0, 0x37f);
  }
  std::fill(legacy.begin() + 6, legacy.begin() + 24,
            uint8_t{0});  // last opcode and addresses: of the host's own code
  if ((in_use & 2) == 0) std::fill(legacy.begin() + 160, legacy.begin() + kSseEnd, uint8_t{0});
  if ((in_use & 6) == 0) store_le<uint32_t>(legacy, 24, 0x1f80);
  store_le<uint32_t>(legacy, 28, 0);
  auto take = [&](uint64_t component, size_t offset, size_t size) {
    if ((in_use & state.xcr0 & component) == 0) return;
    std::copy_n(state.xsave.begin() + static_cast<ptrdiff_t>(offset), size,
                legacy.begin() + static_cast<ptrdiff_t>(offset));
  };
  const WideLayout& layout = host_wide_layout();
  take(4, kAvx, kAvxSize);
  take(kOpmaskState, layout.opmask, WideLayout::kOpmaskSize);
  take(kUpperHalvesState, layout.upper_halves, WideLayout::kUpperHalvesSize);
  take(kHighRegistersState, layout.high_registers, WideLayout::kHighRegistersSize);
  return legacy;
}

// `boundary`: between instructions. In the middle of an instruction, the flags that it is about to set may
// be anything already.
std::string state_difference(const CpuState& a, const CpuState& b, bool boundary, bool loose_flags) {
  std::string text;
  auto compare = [&text](const char* name, uint64_t left, uint64_t right) {
    if (left != right) text += fmt::format("  {} {:#x} | {:#x}\n", name, left, right);
  };
  static constexpr const char* kNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                           "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
  for (size_t i = 0; i < a.gpr.size(); ++i) compare(kNames[i], a.gpr[i], b.gpr[i]);
  uint64_t mask = boundary && !loose_flags ? ~uint64_t{0} : ~rflags::kArithmetic;
  compare("rip", a.rip, b.rip);
  compare("rflags", a.rflags & mask, b.rflags & mask);
  compare("cr0", a.cr0, b.cr0);
  compare("cr2", a.cr2, b.cr2);
  compare("cr3", a.cr3, b.cr3);
  compare("cr4", a.cr4, b.cr4);
  compare("dr6", a.dr6, b.dr6);
  compare("dr7", a.dr7, b.dr7);
  compare("efer", a.msr.efer, b.msr.efer);
  for (size_t i = 0; i < a.segments.size(); ++i) {
    compare("segment selector", a.segments[i].selector, b.segments[i].selector);
    compare("segment base", a.segments[i].base, b.segments[i].base);
  }
  if (!boundary) return text;
  auto left = vector_state(a), right = vector_state(b);
  for (size_t i = 0; i < left.size(); ++i)
    if (left[i] != right[i])
      return text + fmt::format("  xsave byte {} {:02x} | {:02x}\n", i, left[i], right[i]);
  return text;
}

// What differs, or nothing. `loose_flags`: a word in memory may differ in arithmetic flags. Translated blocks
// do not compute flags that nobody reads before they are set again, and a fault in between pushes what there
// is.
std::string difference(const Trace& a, const Trace& b, bool loose_flags) {
  size_t common = std::min(a.steps.size(), b.steps.size());
  for (size_t i = 0; i < common; ++i) {
    const std::string& what = a.steps[i].what;
    bool boundary = what.starts_with("exit") || what.starts_with("failure");
    std::string text = state_difference(a.steps[i].state, b.steps[i].state, boundary, loose_flags);
    if (what != b.steps[i].what) text += fmt::format("  {} | {}\n", what, b.steps[i].what);
    if (text.empty()) continue;
    text = fmt::format("exit {}: {}\n{}first engine at that exit:\n", i, what, text) +
           describe(a.steps[i].state);
    return i == 0 ? text : text + "before:\n" + describe(a.steps[i - 1].state);
  }
  if (a.cut || b.cut) return {};
  if (a.steps.size() != b.steps.size()) return "one engine ended earlier\n";
  for (size_t i = 0; i + 1 < a.memory.size(); i += 2) {
    uint16_t left = load_le<uint16_t>(a.memory, i), right = load_le<uint16_t>(b.memory, i);
    if (((left ^ right) & ~(loose_flags ? rflags::kArithmetic : 0)) != 0)
      return fmt::format("memory at {:#x}: {:#x} | {:#x}\n", i, left, right);
  }
  return {};
}

int duel(const std::string& first, const std::string& second, uint64_t seed, uint64_t guests) {
  uint64_t exits = 0, cut = 0, different = 0, unstable = 0, stale = 0, by_flags = 0;
  const bool loose_flags = second == "translator" || second == "direct";
  for (uint64_t last = seed + guests; seed < last; ++seed) {
    auto a = run_guest(first, seed);
    auto b = run_guest(second, seed);
    if (!a || !b) {
      fmt::print("{}\n", (a ? b : a).error().to_string());
      return kDifferent;
    }
    exits += a->steps.size();
    cut += a->cut || b->cut ? 1 : 0;
    std::string text = difference(*a, *b, loose_flags);
    if (text.empty()) continue;
    if (a->tables_changed || b->tables_changed) {
      ++stale;
      continue;
    }
    // rdtsc and rdrand make a guest differ from itself: such a one proves nothing.
    auto again = run_guest(first, seed);
    if (!again || !difference(*a, *again, false).empty()) {
      ++unstable;
      continue;
    }
    // A guest that computes with the flags that a fault pushed. There are few.
    auto with_flags = run_guest(second, seed, true);
    if (loose_flags && with_flags && difference(*a, *with_flags, false).empty()) {
      if (++by_flags <= kFewByFlags + guests / kGuestsForOneByFlags) continue;
      text += "  too many differ but for engines that keep all flags\n";
    }
    ++different;
    fmt::print("seed {}: {}", seed, text);
    std::fflush(stdout);
  }
  fmt::print("{} guests, {} exits compared; {} cut short, {} not repeatable, {} by flags, {} different\n",
             guests, exits, cut, unstable, by_flags, different);
  return different == 0 ? kSame : kDifferent;
}

}  // namespace
}  // namespace cumulet::guest_test

int main(int argc, char** argv) {
  if (argc != 5) {
    fmt::print(
        stderr,
        "usage: guest_duel ENGINE ENGINE FIRST_SEED GUESTS   (interpreter|single|translator|direct|kvm)\n");
    return cumulet::guest_test::kUsage;
  }
  return cumulet::guest_test::duel(argv[1], argv[2], std::strtoull(argv[3], nullptr, 0),
                                   std::strtoull(argv[4], nullptr, 0));
}
