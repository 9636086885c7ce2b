// Where the files of a host's instances lie, below the state folder.
#pragma once

#include <filesystem>
#include <string>

#include "control/resource/ids.h"

namespace cumulet::node {

// Longest state folder with which a control socket still fits into sockaddr_un (108 bytes with the final
// zero).
inline constexpr size_t kMaximumStateFolderLength = 60;

struct InstanceFolder {
  // `state_folder` is absolute.
  InstanceFolder(const std::filesystem::path& state_folder, const control::HostId& host,
                 const control::InstanceId& id)
      : folder(state_folder / "hosts" / host.str() / id.str()),
        control_socket(state_folder / "run" / host.str() / (id.str() + ".sock")) {}

  [[nodiscard]] std::string lock() const { return folder / "lock"; }        // vmm_lock.h
  [[nodiscard]] std::string config() const { return folder / "vmm.json"; }  // node/protocol/vmm_config.h
  [[nodiscard]] std::string log() const { return folder / "vmm.log"; }      // what the VMM itself prints
  [[nodiscard]] std::string console() const { return folder / "console"; }  // node/protocol/console_ring.h
  [[nodiscard]] std::string exit_record(uint64_t launch) const {            // node/protocol/vmm_exit.h
    return folder / ("exit-" + std::to_string(launch) + ".json");
  }

  std::filesystem::path folder;
  std::string control_socket;  // apart from the folder: its path must be short
};

}  // namespace cumulet::node
