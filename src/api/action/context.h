// Context: what actions may use: the cloud behind the API, and the call that is being answered.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "api/auth/verifier.h"
#include "api/shape/form.h"
#include "base/clock.h"
#include "base/result.h"
#include "control/resource/ids.h"
#include "control/resource/placement.h"
#include "store/kv/kv.h"

namespace cumulet::api {

// The last bytes that an instance wrote to its console.
struct ConsoleOutput {
  std::string bytes;         // anything the guest wrote, at most 64 KiB of it; empty if nothing yet
  int64_t timestamp_ms = 0;  // Unix time of the last write
};

// Reads an instance's console. kNotFound if it has none (yet). Called from several threads at once.
using ConsoleReader = std::function<Result<ConsoleOutput>(const control::InstanceId& id)>;

// The cloud behind the API. Everything it refers to is thread-safe and outlives the API.
struct Cloud {
  store::Kv& kv;
  control::IdSource& ids;
  control::PlaceFunction place;
  const Clock& clock;
  ConsoleReader read_console;
  std::string region;

  // Unix time in milliseconds.
  [[nodiscard]] int64_t now_ms() const { return static_cast<int64_t>(clock.wall_ns() / 1'000'000); }
};

// One call. Lives as long as the call.
struct ActionContext {
  Cloud& cloud;
  const Authenticated& caller;
  const FormParameters& parameters;  // as sent, signature parameters left out
  std::string request_id;
};

}  // namespace cumulet::api
