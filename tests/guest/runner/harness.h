// Harness: runs one guest program on one engine, and says how it ended.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "platform.h"
#include "program.h"

#include "hypervisor/memory/guest_memory.h"
#include "hypervisor/vcpu/vcpu.h"

namespace cumulet::guest_test {

struct Report {
  Outcome outcome = Outcome::kHang;
  std::string detail;            // for kFail the source line, for kFailure the engine's reason
  hypervisor::CpuState state{};  // vCPU 0's, at the end
};

// Invariant: a vCPU is driven by one thread. A second vCPU runs from the program's request until it halts or
// the program ends. A watchdog ends what hangs.
class Harness {
 public:
  // `code` is loaded and entered as `program.start` says.
  Harness(const Program& program, hypervisor::GuestMemory& memory, hypervisor::Engine& engine);

  // Creates the vCPUs, runs the program and waits for every thread. Errors: those of the engine.
  Result<Report> run(ByteView code);

  [[nodiscard]] const Platform& platform() const { return platform_; }

 private:
  struct Cpu {
    std::unique_ptr<hypervisor::Vcpu> vcpu;
    std::optional<uint8_t> pending = {};      // an interrupt to be injected as soon as possible
    std::optional<uint8_t> when_halted = {};  // an interrupt that waits for the next hlt
    bool kick_asked = false;
    std::vector<std::thread> kickers = {};
  };

  Result<void> create_vcpus();
  void drive(Cpu& cpu, bool first);
  // Each handles one exit; true: go on running.
  bool handle(Cpu& cpu, bool first, const hypervisor::Exit& exit);
  bool handle_request(Cpu& cpu, const Request& request);
  bool handle_halt(Cpu& cpu, bool first);
  bool handle_interrupted(Cpu& cpu);
  void start_second(const hypervisor::CpuState& state);
  void finish(Outcome outcome, std::string detail);
  void watch();

  const Program& program_;
  hypervisor::GuestMemory& memory_;
  hypervisor::Engine& engine_;
  Platform platform_;
  std::vector<Cpu> cpus_;
  std::thread second_;

  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<Report> report_;  // set once, under mutex_
  std::atomic<bool> stop_ = false;
};

}  // namespace cumulet::guest_test
