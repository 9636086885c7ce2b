// The daemon's life.
#include "command/cumulet/daemon.h"

#include <charconv>
#include <cstring>
#include <signal.h>
#include <unistd.h>

#include "api/action/service.h"
#include "api/auth/credential.h"
#include "api/http/server.h"
#include "base/log.h"
#include "command/cumulet/daemon_lock.h"
#include "control/scheduler/place.h"

namespace cumulet::command {

namespace {

// AWS returns the last 64 KiB of a console (GetConsoleOutput).
constexpr uint64_t kConsoleBytes = 64 * 1024;

// Blocks the ending signals in this thread and all that it starts, to be taken by wait_for_end().
sigset_t block_ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);  // a client that went away is an error of the write, not the end of the daemon
  return signals;
}

void wait_for_end(const sigset_t& signals) {
  int number = 0;
  while (sigwait(&signals, &number) != 0) {
  }
  spdlog::info("ending on SIG{}; instances go on running", sigabbrev_np(number));
}

api::ConsoleReader console_reader(LocalCloud& cloud) {
  return [&cloud](const control::InstanceId& id) -> Result<api::ConsoleOutput> {
    LocalCloud::Console console = TRY(cloud.read_console(id, kConsoleBytes));
    return api::ConsoleOutput{std::move(console.output.text), console.written_ms};
  };
}

}  // namespace

Result<> parse_listen(const std::string& text, DaemonOptions& options) {
  const size_t colon = text.rfind(':');
  const auto malformed = [&] {
    return fail(ErrorCode::kInvalidArgument,
                "'" + text + "' is not ADDRESS:PORT (an example is 127.0.0.1:4566)");
  };
  if (colon == std::string::npos) return malformed();
  std::string address = text.substr(0, colon);
  if (address.size() > 2 && address.front() == '[' && address.back() == ']')
    address = address.substr(1, address.size() - 2);
  else if (address.find(':') != std::string::npos)
    return malformed();
  const char* end = text.data() + text.size();
  uint16_t port = 0;
  const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end) return malformed();
  if (!address.empty()) options.address = address;
  options.port = port;
  return {};
}

Result<std::string> find_vmm_program() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail(ErrorCode::kIo, "cannot find the running program", error.message());
  std::string program = self.parent_path() / "cumulet-vmm";
  if (access(program.c_str(), X_OK) != 0)
    return fail(ErrorCode::kNotFound, "cumulet-vmm is not beside cumulet: " + program);
  return program;
}

Result<> run_daemon(const StateFolder& folder, const Settings& settings, const DaemonOptions& options) {
  const DaemonLock lock = TRY(DaemonLock::take(folder));
  const sigset_t signals = block_ending_signals();
  const std::unique_ptr<LocalCloud> cloud = TRY(LocalCloud::start(folder, settings, options.cloud));

  control::RandomIdSource ids;
  const api::RootCredential credentials(settings.account_id, settings.access_key_id,
                                        settings.secret_access_key);
  api::Service service(
      api::Cloud{cloud->kv(), ids, control::place, cloud->clock(), console_reader(*cloud), settings.region},
      credentials);
  api::http::ServerOptions server_options;
  server_options.address = options.address;
  server_options.port = options.port;
  const std::unique_ptr<api::http::Server> server = TRY(api::http::Server::start(server_options, service));
  const Endpoint endpoint{getpid(), options.address, server->port()};
  TRY_VOID(publish_endpoint(folder, endpoint));
  spdlog::info("region {} answers at {}", settings.region, endpoint.url());

  wait_for_end(signals);
  server->stop();
  return {};
}

}  // namespace cumulet::command
