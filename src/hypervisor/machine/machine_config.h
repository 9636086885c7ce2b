// MachineConfig and MachineEnd: what a virtual machine is made of, and how it may end.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "hypervisor/memory/guest_memory.h"
#include "hypervisor/vcpu/vcpu.h"

namespace cumulet::hypervisor {

struct MachineConfig {
  std::string kernel;  // paths of files; read at every boot
  std::string initrd;  // empty: none
  std::string command_line;
  uint64_t memory_mib = 512;
  uint32_t vcpus = 1;
  std::string instance_id;   // DMI board asset tag
  std::string product_uuid;  // DMI product UUID, text form; empty: none
  bool debug_exit = false;   // port 0xf4 ends the machine
  bool avx512 = true;        // shown to the guest where host and engine have it
};

// Bounds of what a machine can be.
inline constexpr uint32_t kMaximumProcessors = 128;
inline constexpr uint64_t kMinimumMachineMemoryMib = 2;
inline constexpr uint64_t kMaximumMachineMemoryMib = 256 << 10;  // RAM ends below the PCI window at 384 GiB

// Makes the engine for a machine's RAM; called at every boot.
using EngineFactory = std::function<Result<std::unique_ptr<Engine>>(GuestMemory&)>;

// Receives every byte the guest sends to its serial port. Called under the device lock: must not block for
// long.
using ConsoleSink = std::function<void(uint8_t byte)>;

enum class EndReason : uint8_t {
  kPoweroff,     // the guest entered ACPI S5
  kReset,        // the guest, or request_reset(), asked for a reset
  kTripleFault,  // a processor shut down
  kDebugExit,    // the guest wrote `code` to port 0xf4
  kKilled,       // kill()
  kFailure,      // it could not start or go on: `message`
};

struct MachineEnd {
  EndReason reason = EndReason::kFailure;
  uint32_t code = 0;
  std::string message;
};

// The end of a machine that could not be built: the error in words for a person, without its code's name.
inline MachineEnd failure_end(const Error& error) {
  return {EndReason::kFailure, 0,
          error.context.empty() ? error.message : error.message + " (" + error.context + ")"};
}

}  // namespace cumulet::hypervisor
