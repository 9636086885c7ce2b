// RequestLog: what the instruction in flight has asked of the machine so far, and the answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "hypervisor/vcpu/exit.h"

namespace cumulet::hypervisor {

// One question to the machine: a port, MMIO or MSR access. `data` holds the bytes of ports and MMIO.
struct MachineRequest {
  enum class Kind : uint8_t { kPort, kMmio, kMsr };
  Kind kind;
  Direction direction;
  uint64_t address;   // port, guest-physical address or MSR index
  uint8_t item_size;  // ports only: 1, 2 or 4 bytes
  std::vector<uint8_t> data;
  uint64_t value = 0;  // MSRs only
  bool fault = false;  // MSRs only: the machine wants #GP(0)
};

// An instruction that needs the machine stops at its first question; it is executed again when the answer is
// there, and finds it in this log. So the log is read from the start at each attempt and grows by one
// question a time.
class RequestLog {
 public:
  // Begins another attempt of the same instruction.
  void rewind() { next_ = 0; }
  // Forgets everything: the instruction finished, or faulted.
  void clear() {
    requests_.clear();
    next_ = 0;
  }
  [[nodiscard]] bool empty() const { return requests_.empty(); }

  // Returns the answered request if this question was asked before; else null, after appending it: it is then
  // `back()`, and the instruction must stop. A question that differs from the one logged at this place
  // (another processor changed the memory in between) drops the rest of the log.
  MachineRequest* ask(const MachineRequest& question);
  [[nodiscard]] MachineRequest& back() { return requests_.back(); }

 private:
  std::vector<MachineRequest> requests_;
  size_t next_ = 0;
};

}  // namespace cumulet::hypervisor
