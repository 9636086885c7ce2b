// Platform: the ports, memory-mapped page and registers that guest programs talk to, shared by their vCPUs.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>

#include "hypervisor/vcpu/exit.h"

namespace cumulet::guest_test {

// What a program asked of the harness by an access; at most one thing at a time.
struct Request {
  enum class Kind : uint8_t {
    kNone,
    kPass,
    kFail,
    kInterrupt,
    kInterruptWhenHalted,
    kNmi,
    kStartVcpu,
    kSipi,
    kKick
  };
  Kind kind = Kind::kNone;
  uint32_t value = 0;
};

// Ports (programs/guest.inc has names for them):
//   0x3f8 serial, write          0xf3 pass, any write        0xf4 fail, the source line
//   0xf5 interrupt now, vector   0xf6 NMI now                0xf7 start vCPU 1 at this address, in the start
//   mode 0xf8 kick me in n ms         0xf9 interrupt at next hlt  0xfa start vCPU 1 by startup IPI, vector
//   0xfb count of TaskPriorityExits, read                    0xfc sleep n ms
//   0x500 a queue of items: what is written is read back, first in first out, any width
// Memory: 4 KiB at 0xd0000000 and the 4 KiB after the end of RAM hold what is written, and count accesses:
// 0xd0001000 reads as the number of accesses to the first page.
// Registers: 0x4b564d00 and 0x4b564d01 hold what is written; 0x1b reads 0xfee00900; all others fault.
// Thread safety: any method from any vCPU thread.
class Platform {
 public:
  // Answers an exit by filling its data, or notes what was written. Returns what the harness must do.
  Request port(const hypervisor::PortIoExit& exit);
  void mmio(const hypervisor::MmioExit& exit);
  void msr(const hypervisor::MsrExit& exit);
  void count_task_priority();

  [[nodiscard]] std::string serial() const;

 private:
  Request port_write(uint16_t port, ByteView data);
  void port_read(uint16_t port, MutableByteView data);

  mutable std::mutex mutex_;
  std::string serial_;
  std::string queue_;
  uint32_t task_priority_exits_ = 0;
  std::array<uint8_t, 4096> echo_{}, after_ram_{};
  uint32_t echo_accesses_ = 0;
  std::array<uint64_t, 2> clock_msrs_{};
};

}  // namespace cumulet::guest_test
