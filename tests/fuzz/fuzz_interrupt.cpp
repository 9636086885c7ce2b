// Fuzz target: local APICs, IO-APIC and 8259As together, with time and lines in the fuzzer's hand.
#include <vector>

#include "fuzz_input.h"

#include "base/check.h"
#include "hypervisor/device/ticks.h"
#include "hypervisor/interrupt/interrupt_router.h"

namespace {

using cumulet::FuzzInput;
using namespace cumulet;
using namespace cumulet::hypervisor;

constexpr size_t kProcessors = 3;
constexpr uint64_t kTscKhz = 2'345'678;

class Processors {
 public:
  Processors() {
    for (uint32_t id = 0; id < kProcessors; ++id) {
      LocalApicConfig config{
          .id = id, .bootstrap = id == 0, .tsc_khz = kTscKhz, .read_tsc = [this] { return tsc(); }};
      LocalApicEvents events{.on_pending = [this] { ++events_; },
                             .on_nmi = [this] { ++events_; },
                             .on_init = [this] { ++events_; },
                             .on_startup = [this](uint8_t) { ++events_; }};
      router_.add_local_apic(config, events, timers_);
    }
    router_.local_apic(0).enter_virtual_wire_mode();
    for (uint8_t irq : {0, 1, 4, 8, 9}) lines_.push_back(&router_.isa_line(irq));
    for (uint32_t gsi : {2, 9, 16, 23}) lines_.push_back(&router_.gsi_line(gsi));
    CHECK(router_.pic().claim(ports_, 0x20, 0xa0, 0x4d0).has_value());
  }

  void step(FuzzInput& input) {
    uint8_t action = input.byte();
    LocalApic& apic = router_.local_apic(action / 16u % kProcessors);
    switch (action % 16) {
      case 0:
      case 1: return fuzz_access(input, apic, 0, 0x1000);
      case 2: return fuzz_access(input, apic, (input.byte() & 0x3fu) * 16, 4);
      case 3: return access_msr(input, apic);
      case 4: return fuzz_access(input, router_.io_apic(), 0, 0x50);
      case 5: return program_io_apic(input);
      case 6: return fuzz_access(input, ports_, 0x20, 2);
      case 7: return fuzz_access(input, ports_, (action & 0x80) != 0 ? 0xa0 : 0x4d0, 2);
      case 8:
      case 9: return lines_[input.byte() % lines_.size()]->set_level((action & 0x10) != 0);
      case 10:
        return router_.send_message(0xfee00000 | input.number(3), static_cast<uint32_t>(input.number(2)));
      case 11:
      case 12: return serve(apic);
      case 13: return apic.set_cr8(input.byte() & 0xf);
      case 14: return timers_.advance_ns(input.step_ns());
      default:
        if (action == 0xff) router_.reset();
        apic.write(apic::kEndOfInterrupt * 16, std::array<uint8_t, 4>{});
    }
  }

 private:
  [[nodiscard]] uint64_t tsc() const {
    return multiply_divide(timers_.clock().monotonic_ns(), kTscKhz, 1'000'000);
  }

  static void access_msr(FuzzInput& input, LocalApic& apic) {
    uint8_t choice = input.byte();
    uint32_t index = apic::kMsrFirst + (choice & 0x3f);
    if ((choice & 0xc0) == 0x40) index = apic::kMsrBase;
    if ((choice & 0xc0) == 0x80) index = apic::kMsrTscDeadline;
    CHECK(LocalApic::owns_msr(index));
    if (input.byte() % 2 == 0) {
      (void)apic.read_msr(index);
    } else {
      uint64_t value = input.number(8);
      if (index == apic::kMsrBase) value = apic::kBaseDefault | (value & 0xd00);
      (void)apic.write_msr(index, value);
    }
  }
  void program_io_apic(FuzzInput& input) {
    uint8_t index = input.byte() % 0x42;
    router_.io_apic().write(0, {&index, 1});
    std::array<uint8_t, 4> value{input.byte(), input.byte(), input.byte(), input.byte()};
    router_.io_apic().write(0x10, value);
  }
  static void serve(LocalApic& apic) {
    bool pending = apic.pending();
    std::optional<uint8_t> expected = apic.highest_pending();
    std::optional<uint8_t> vector = apic.acknowledge();
    CHECK(pending == vector.has_value());
    if (expected) CHECK(vector == expected && *vector >> 4 == apic.processor_priority() >> 4);
  }

  ManualTimerService timers_;
  InterruptRouter router_;
  Bus ports_;
  std::vector<InterruptLine*> lines_;
  uint64_t events_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  Processors processors;
  while (!input.empty()) processors.step(input);
  return 0;
}
