// The control protocol of cumulet-vmm: JSON objects, one a line, over a Unix stream socket; one answer a
// request.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cumulet::node {

// {"request":"status"} and so on. What each does:
//   status              answers the VM's state, changes nothing
//   press_power_button  ACPI power button: the guest may shut itself down, or ignore it
//   reset               back to the first instruction of boot, RAM cleared, as if power-cycled; same process
//   kill                the VM stops at once, and the process ends with exit reason "killed"
enum class VmmRequest : uint8_t { kStatus, kPressPowerButton, kReset, kKill };

// Longest line, newline included, that either side accepts.
inline constexpr size_t kMaximumControlLine = 64 * 1024;

struct VmmStatus {
  std::string instance_id;
  std::string state;   // "starting", "running", "resetting" or "ended"
  std::string engine;  // "emulated" or "kvm"
  uint64_t process_id = 0;
  uint64_t resets = 0;     // since the process began
  uint64_t uptime_ms = 0;  // since the process began
  friend bool operator==(const VmmStatus&, const VmmStatus&) = default;
};

// {"ok":true,"state":"running",…} or {"ok":false,"error":"…",…}: the status fields lie beside "ok".
struct VmmAnswer {
  bool ok = false;
  std::string error;  // one line, when not ok
  VmmStatus status;
  friend bool operator==(const VmmAnswer&, const VmmAnswer&) = default;
};

// All encoders end the line with a newline; decoders accept the line with or without it.
// Decoding errors: kInvalidArgument, with what is wrong.
std::string encode_request(VmmRequest request);
Result<VmmRequest> decode_request(std::string_view line);
std::string encode_answer(const VmmAnswer& answer);
Result<VmmAnswer> decode_answer(std::string_view line);

// Connects to a VMM's socket, sends the request, and waits for the answer for at most `timeout_ms` in all.
// Errors: kUnavailable (nobody listens there, or the VMM closed without an answer), kTimedOut,
// kInvalidArgument (the path is too long, or the answer is not one), kFailedPrecondition (the VMM answered
// with an error: its text).
Result<VmmStatus> call_vmm(const std::string& socket_path, VmmRequest request, int timeout_ms);

}  // namespace cumulet::node
