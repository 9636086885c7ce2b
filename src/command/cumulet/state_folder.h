// StateFolder: where everything that a cloud keeps lies, and the paths in it.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace cumulet::command {

struct StateFolder {
  std::filesystem::path path;  // absolute

  [[nodiscard]] std::string store() const { return path / "store.db"; }          // docs/formats/store.md
  [[nodiscard]] std::string settings() const { return path / "settings.json"; }  // settings.h
  [[nodiscard]] std::string lock() const { return path / "daemon.lock"; }        // daemon_lock.h
  [[nodiscard]] std::string endpoint() const { return path / "endpoint.json"; }  // daemon_lock.h
  [[nodiscard]] std::string log() const { return path / "daemon.log"; }
};

// Returns the folder that --state-dir names, or, if that is empty, $CUMULET_HOME, or
// ${XDG_STATE_HOME:-~/.local/state}/cumulet. Nothing is made. kInvalidArgument if there is no home folder, or
// if the path is too long for the sockets in it.
[[nodiscard]] Result<StateFolder> find_state_folder(const std::string& option);

// Makes the folder, readable by its owner only, unless it exists. kIo.
[[nodiscard]] Result<> make_state_folder(const StateFolder& folder);

}  // namespace cumulet::command
