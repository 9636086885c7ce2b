// Settings: what a cloud is given at its first start and keeps: region, account, root credentials.
#pragma once

#include <string>

#include "base/result.h"
#include "command/cumulet/state_folder.h"

namespace cumulet::command {

struct Settings {
  std::string region;
  std::string account_id;  // 12 digits
  std::string access_key_id;
  std::string secret_access_key;
  friend bool operator==(const Settings&, const Settings&) = default;
};

// Returns the settings of the state folder. What `wanted` names (non-empty) is set, the rest is kept, or
// chosen at the first call: us-east-1, and a random account and key. The file is readable by its owner only.
// Errors: kInvalidArgument (malformed), kFailedPrecondition (another region or account than the state was
// made for, or other keys while a daemon runs), kCorrupt, kIo. Processes that call it at once agree.
[[nodiscard]] Result<Settings> load_settings(const StateFolder& folder, const Settings& wanted = {});

}  // namespace cumulet::command
