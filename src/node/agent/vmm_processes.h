// VmmProcesses: the contract between an agent and the VMM processes of its host; one process per instance.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "control/resource/ids.h"
#include "node/protocol/vmm_config.h"
#include "node/protocol/vmm_exit.h"

namespace cumulet::node {

enum class VmmPresence : uint8_t {
  kAbsent,  // none was started, or its traces are removed
  kAlive,   // the process exists, its guest may run or not yet
  kEnded,   // it existed
};

// What is there of an instance.
struct VmmSight {
  VmmPresence presence = VmmPresence::kAbsent;
  uint64_t launch = 0;               // which it was started for; 0: not known yet
  std::optional<VmmExit> exit = {};  // of kEnded: the record it left; none if it was killed
};

// Nothing is remembered between calls: what is true is on the disk and in the process table, so an agent that
// was killed finds its VMMs again. Invariant: never two VMMs of one instance. One thread per instance at a
// time.
class VmmProcesses {
 public:
  virtual ~VmmProcesses() = default;

  [[nodiscard]] virtual Result<VmmSight> look(const control::InstanceId& id) = 0;

  // Starts a VMM; it goes on when this process ends. The paths of `config` that are about the instance's own
  // files are filled in. kAlreadyExists if one is alive.
  [[nodiscard]] virtual Result<> start(const control::InstanceId& id, uint64_t launch, VmmConfig config) = 0;

  // True if the guest runs (was given control). False while the VMM does not answer yet.
  [[nodiscard]] virtual bool is_guest_running(const control::InstanceId& id) = 0;

  // Ask the VMM. Errors: kUnavailable, kTimedOut, kFailedPrecondition.
  [[nodiscard]] virtual Result<> press_power_button(const control::InstanceId& id) = 0;
  [[nodiscard]] virtual Result<> reset(const control::InstanceId& id) = 0;

  // Ends the VMM at once, without its help; done when look() says so. Success if none is alive.
  [[nodiscard]] virtual Result<> kill(const control::InstanceId& id) = 0;

  // Removes the files of an instance that has no living VMM; the console is kept.
  [[nodiscard]] virtual Result<> remove(const control::InstanceId& id) = 0;
  // Removes the console too.
  [[nodiscard]] virtual Result<> remove_all(const control::InstanceId& id) = 0;

  // Returns the instances of which there are files.
  [[nodiscard]] virtual Result<std::vector<control::InstanceId>> list() = 0;
};

}  // namespace cumulet::node
