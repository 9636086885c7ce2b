// Fuzz target: the 16550A, driven by register accesses and by input from outside.
#include "fuzz_input.h"

#include "base/check.h"
#include "hypervisor/device/recording_line.h"
#include "hypervisor/serial/uart.h"

namespace {

using cumulet::FuzzInput;
using namespace cumulet::hypervisor;

class Terminal {
 public:
  void send(std::span<const uint8_t> bytes) {
    size_t taken = uart_.receive(bytes);
    CHECK(taken <= bytes.size());
  }
  void run(FuzzInput& input) {
    while (!input.empty()) {
      uint8_t action = input.byte();
      if (action < 200) {
        fuzz_access(input, uart_, 0, uart::kPortCount);
      } else if (action < 250) {
        send(input.bytes(action % 32));
      } else {
        uart_.reset();
        CHECK(!line_.high());
      }
    }
  }

 private:
  RecordingLine line_;
  uint64_t sent_ = 0;
  Uart uart_{line_,
             {.on_output = [this](uint8_t) { ++sent_; },
              .on_room =
                  [this] {
                    send(std::array<uint8_t, 2>{1, 2});
                  }}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  Terminal().run(input);
  return 0;
}
