// Lock, console ring, control socket, machine, exit record: in this order.
#include "command/vm/vmm_process.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <sys/file.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "command/vm/control_server.h"
#include "command/vm/engine_choice.h"
#include "hypervisor/boot/file.h"
#include "hypervisor/machine/life_cycle.h"
#include "node/protocol/console_ring.h"
#include "node/protocol/vmm_config.h"
#include "node/protocol/vmm_exit.h"

namespace cumulet::command {

namespace {

using hypervisor::EndReason;
using hypervisor::LifeCycle;

Result<node::VmmConfig> read_config(const std::string& path) {
  hypervisor::BootBytes bytes = TRY(hypervisor::read_boot_file(path, "VMM configuration"));
  return node::parse_vmm_config(std::string(bytes.begin(), bytes.end()));
}

// Holds the instance's lock for the life of the process; the kernel lets go of it however the process ends.
Result<UniqueFd> take_lock(const std::string& path) {
  if (path.empty()) return UniqueFd();
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return fail(errno_error("open the lock file " + path, errno));
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(ErrorCode::kAlreadyExists, "another process runs this instance", path);
  return fd;
}

hypervisor::MachineConfig machine_config(const node::VmmConfig& config) {
  return {
      .kernel = config.kernel,
      .initrd = config.initrd,
      .command_line = config.command_line,
      .memory_mib = config.memory_mib,
      .vcpus = config.vcpus,
      .instance_id = config.instance_id,
      .product_uuid = config.product_uuid,
      .debug_exit = config.debug_exit,
  };
}

node::VmmExit exit_record(const hypervisor::MachineEnd& end) {
  node::VmmExit record;
  record.message = end.message;
  switch (end.reason) {
    case EndReason::kPoweroff: record.reason = node::VmmExitReason::kPoweroff; break;
    case EndReason::kTripleFault: record.reason = node::VmmExitReason::kTripleFault; break;
    case EndReason::kDebugExit:
      record.reason = node::VmmExitReason::kDebugExit;
      record.debug_exit_code = end.code;
      break;
    case EndReason::kKilled: record.reason = node::VmmExitReason::kKilled; break;
    case EndReason::kReset:  // LifeCycle::run() never returns it
    case EndReason::kFailure: record.reason = node::VmmExitReason::kFailure; break;
  }
  return record;
}

class VmmProcess {
 public:
  VmmProcess(const node::VmmConfig& config, std::unique_ptr<node::ConsoleRing> console)
      : config_(config),
        console_(std::move(console)),
        start_ns_(clock_.monotonic_ns()),
        life_cycle_(
            machine_config(config), choose_engine(config.engine),
            [this](uint8_t byte) { console_->append(ByteView(&byte, 1)); }, clock_) {}

  Result<hypervisor::MachineEnd> run() {
    std::unique_ptr<ControlServer> server = TRY(ControlServer::start(
        config_.control_socket,
        {[this](node::VmmRequest request) { return answer(request); }, [this] { life_cycle_.kill(); }}));
    return life_cycle_.run();
  }

 private:
  node::VmmAnswer answer(node::VmmRequest request) {
    Result<void> done;
    switch (request) {
      case node::VmmRequest::kStatus: break;
      case node::VmmRequest::kPressPowerButton: done = life_cycle_.press_power_button(); break;
      case node::VmmRequest::kReset: done = life_cycle_.reset(); break;
      case node::VmmRequest::kKill: life_cycle_.kill(); break;
    }
    LifeCycle::Status status = life_cycle_.status();
    node::VmmAnswer answer;
    answer.ok = done.has_value();
    if (!done) answer.error = done.error().message;
    answer.status = {
        .instance_id = config_.instance_id,
        .state = std::string(hypervisor::state_name(status.state)),
        .engine = status.engine,
        .process_id = static_cast<uint64_t>(getpid()),
        .resets = status.resets,
        .uptime_ms = (clock_.monotonic_ns() - start_ns_) / 1'000'000,
    };
    return answer;
  }

  const node::VmmConfig& config_;
  SystemClock clock_;
  std::unique_ptr<node::ConsoleRing> console_;
  uint64_t start_ns_;
  LifeCycle life_cycle_;
};

Result<hypervisor::MachineEnd> run_instance(const node::VmmConfig& config) {
  std::unique_ptr<node::ConsoleRing> console = TRY(node::ConsoleRing::open(config.console_file));
  VmmProcess process(config, std::move(console));
  return process.run();
}

}  // namespace

int run_vmm_process(const std::string& config_path) {
  setsid();  // fails, harmlessly, when whoever started us did it already
  std::signal(SIGPIPE, SIG_IGN);
  Result<node::VmmConfig> config = read_config(config_path);
  if (!config) {
    spdlog::error("{}", config.error().to_string());
    return kVmmBadConfig;
  }
  Result<UniqueFd> lock = take_lock(config->lock_file);
  if (!lock) {
    spdlog::error("{}: {}", config->instance_id, lock.error().to_string());
    return lock.error().code == ErrorCode::kAlreadyExists ? kVmmAlreadyRunning : kVmmBadConfig;
  }
  unlink(config->exit_file.c_str());  // a record there is of an earlier run
  Result<hypervisor::MachineEnd> end = run_instance(*config);
  if (!end) end = hypervisor::failure_end(end.error());
  node::VmmExit record = exit_record(*end);
  spdlog::info("{}: ended: {} {}", config->instance_id, node::exit_reason_name(record.reason),
               record.message);
  if (Result<void> written = node::write_vmm_exit(config->exit_file, record); !written) {
    spdlog::error("{}: {}", config->instance_id, written.error().to_string());
    return kVmmFailed;
  }
  return record.reason == node::VmmExitReason::kFailure ? kVmmFailed : kVmmEnded;
}

}  // namespace cumulet::command
