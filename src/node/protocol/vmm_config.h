// VmmConfig: everything that cumulet-vmm is told about the one instance it runs, as a JSON file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cumulet::node {

// Who runs the guest's instructions. kAuto: KVM where /dev/kvm is usable and the CPU has VT-x or AMD-V.
enum class EngineChoice : uint8_t { kAuto, kEmulated, kKvm };

// Returns "auto", "emulated" or "kvm".
std::string_view engine_choice_name(EngineChoice choice);
// The reverse. Error kInvalidArgument names the three choices.
Result<EngineChoice> parse_engine_choice(std::string_view name);

// Paths are absolute. Empty optional paths mean "none".
struct VmmConfig {
  std::string instance_id;   // becomes the DMI board asset tag
  std::string kernel;        // bzImage, PVH ELF or multiboot image
  std::string initrd;        // optional; with multiboot the first module
  std::string command_line;  // the kernel's
  uint64_t memory_mib = 512;
  uint32_t vcpus = 1;
  EngineChoice engine = EngineChoice::kAuto;
  std::string console_file;    // a console ring (docs/formats/console-ring.md), created if missing
  std::string control_socket;  // a Unix stream socket (vmm_control.h)
  std::string exit_file;       // receives the exit record (vmm_exit.h)
  std::string lock_file;       // optional: held with flock() for the life of the process
  std::string product_uuid;    // DMI product UUID, text form
  bool debug_exit = false;     // a write to port 0xf4 ends the VM

  friend bool operator==(const VmmConfig&, const VmmConfig&) = default;
};

// Bounds that parse_vmm_config() enforces.
inline constexpr uint64_t kMinimumMemoryMib = 1;
inline constexpr uint64_t kMaximumMemoryMib = 1 << 20;
inline constexpr uint32_t kMaximumVcpus = 128;

// Returns the configuration as one JSON object, with a newline at the end.
std::string encode_vmm_config(const VmmConfig& config);

// The reverse. Error kInvalidArgument: not JSON, a missing, unknown, mistyped or out-of-range field (it is
// named).
Result<VmmConfig> parse_vmm_config(std::string_view json);

}  // namespace cumulet::node
