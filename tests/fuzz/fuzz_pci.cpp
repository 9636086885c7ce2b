// Fuzz target: PCI configuration both ways, BARs that move, MSI-X masks, functions that come and go.
#include "fuzz_input.h"

#include "base/check.h"
#include "hypervisor/pci/config_access.h"
#include "hypervisor/pci/msix_bar.h"
#include "hypervisor/pci/pci_bus.h"

namespace {

using cumulet::FuzzInput;
using namespace cumulet;
using namespace cumulet::hypervisor;

constexpr size_t kVectors = 9;

class CountingSink final : public MessageSink {
 public:
  void send_message(uint64_t, uint32_t) override { ++sent; }
  uint64_t sent = 0;
};

class EmptyHandler final : public IoHandler {
 public:
  void read(uint64_t, MutableByteView out) override { std::fill(out.begin(), out.end(), uint8_t{0}); }
  void write(uint64_t, ByteView) override {}
};

class FuzzedFunction final : public PciFunction {
 public:
  explicit FuzzedFunction(MessageSink& sink)
      : PciFunction({.vendor_id = 0x1d0f, .device_id = 0xec20, .class_code = 0x020000}),
        msix_(sink, kVectors) {
    add_memory_bar(0, 0x2000, registers_, true);
    add_memory_bar(2, msix_bar_.size(), msix_bar_, false);
    add_io_bar(3, 16, registers_);
    capability_ = add_msix_capability(kVectors, 2, 0, 2, msix_bar_.pending_offset());
  }
  [[nodiscard]] std::string_view name() const override { return "fuzzed"; }
  void reset() override {
    PciFunction::reset();
    msix_.reset();
  }
  MsiX& msix() { return msix_; }

 private:
  void config_written(uint64_t, size_t) override {
    msix_.set_control(config().get<uint16_t>(static_cast<uint16_t>(capability_ + pci::kMsiXControl)));
  }
  EmptyHandler registers_;
  MsiX msix_;
  MsiXBar msix_bar_{msix_};
  uint16_t capability_ = 0;
};

class FuzzedBus {
 public:
  FuzzedBus() {
    for (uint8_t i = 0; i < functions_.size(); ++i) CHECK(bus_.add(3, i, functions_[i]).has_value());
    CHECK(bus_.assign_resources().has_value());
  }
  ~FuzzedBus() {
    for (uint8_t i = 0; i < functions_.size(); ++i) bus_.remove(3, i);
  }
  FuzzedBus(const FuzzedBus&) = delete;
  FuzzedBus& operator=(const FuzzedBus&) = delete;

  void step(FuzzInput& input) {
    uint8_t action = input.byte();
    uint8_t which = action / 16 % functions_.size();
    uint64_t place = uint64_t{3} << 15 | uint64_t{which} << 12;
    switch (action % 16) {
      case 0: return fuzz_access(input, config_ports_, 0, 8);
      case 1: return select(input, place);
      case 2: return fuzz_access(input, ecam_, input.number(4) % (uint64_t{256} << 20), 0x100);
      case 3:
      case 4:
      case 5: return fuzz_access(input, ecam_, place, 0x60);
      case 6: return fuzz_access(input, ecam_, place, 0x1000);
      case 7: return move_bar(input, place);
      case 8:
      case 9:
      case 10: return fuzz_access(input, memory_, kWindows.memory_32_start, 0x8000);
      case 11: return fuzz_access(input, memory_, kWindows.memory_64_start, 0x8000);
      case 12: return fuzz_access(input, ports_, kWindows.io_start, 0x100);
      case 13: return functions_[which].msix().notify(input.byte() % kVectors);
      case 14: return come_and_go(which);
      default:
        if (action == 0xff) bus_.reset();
    }
  }

 private:
  static constexpr PciWindows kWindows = {.memory_32_start = 0xc000'0000,
                                          .memory_32_end = 0xc100'0000,
                                          .memory_64_start = 0x60'0000'0000,
                                          .memory_64_end = 0x60'0100'0000,
                                          .io_start = 0x1000,
                                          .io_end = 0x2000};

  void select(FuzzInput& input, uint64_t place) {
    std::array<uint8_t, 4> address{};
    store_le<uint32_t>(address, 0, 0x8000'0000 | static_cast<uint32_t>(place >> 4) | input.byte());
    config_ports_.write(0, address);
  }
  void move_bar(FuzzInput& input, uint64_t place) {
    std::array<uint8_t, 4> value{};
    uint8_t choice = input.byte();
    store_le<uint32_t>(value, 0, static_cast<uint32_t>(0xc000'0000 + (input.below(16) << 12)));
    if (choice % 4 == 0) store_le<uint32_t>(value, 0, 7);
    ecam_.write(place | (choice % 4 == 0 ? 4 : 0x10 + choice % 5 * 4), value);
  }
  void come_and_go(uint8_t which) {
    if (present_[which]) {
      bus_.remove(3, which);
    } else {
      CHECK(bus_.add(3, which, functions_[which]).has_value());
    }
    present_[which] = !present_[which];
  }

  CountingSink sink_;
  Bus ports_, memory_;
  EmptyHandler reset_control_;
  std::array<FuzzedFunction, 3> functions_ = {FuzzedFunction(sink_), FuzzedFunction(sink_),
                                              FuzzedFunction(sink_)};
  std::array<bool, 3> present_ = {true, true, true};
  PciBus bus_{ports_, memory_, kWindows};
  PciConfigPorts config_ports_{bus_, reset_control_};
  EcamWindow ecam_{bus_};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  FuzzedBus bus;
  while (!input.empty()) bus.step(input);
  return 0;
}
