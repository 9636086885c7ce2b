// The calling side of the control protocol: one connection, one request, one answer.
#include <cerrno>
#include <chrono>
#include <poll.h>
#include <sys/socket.h>

#include "base/unique_fd.h"
#include "node/protocol/unix_address.h"
#include "node/protocol/vmm_control.h"

namespace cumulet::node {

namespace {

using SteadyClock = std::chrono::steady_clock;

// Waits until `events` on `fd` or the deadline. Error kTimedOut.
Result<void> wait_for(int fd, short events, SteadyClock::time_point deadline) {
  while (true) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    if (left <= 0) return fail(ErrorCode::kTimedOut, "the VMM did not answer in time");
    pollfd waiting = {fd, events, 0};
    int ready = poll(&waiting, 1, static_cast<int>(left));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return fail(errno_error("wait for the VMM", errno));
  }
}

Result<UniqueFd> connect_to(const std::string& path) {
  UnixAddress address = TRY(UnixAddress::create(path));
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return fail(errno_error("create a control connection", errno));
  // A Unix socket connects at once or not at all: EAGAIN means that its queue is full.
  if (connect(fd.get(), address.get(), UnixAddress::size()) != 0) {
    Error error = errno_error("reach the VMM's control socket", errno);
    error.code = ErrorCode::kUnavailable;
    return fail(std::move(error));
  }
  return fd;
}

Result<std::string> receive_line(int fd, SteadyClock::time_point deadline) {
  std::string line;
  while (line.size() < kMaximumControlLine) {
    TRY_VOID(wait_for(fd, POLLIN, deadline));
    char buffer[4096];
    ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return fail(ErrorCode::kUnavailable, "the VMM closed its control connection");
    line.append(buffer, static_cast<size_t>(got));
    if (size_t end = line.find('\n'); end != std::string::npos) return line.substr(0, end);
  }
  return fail(ErrorCode::kInvalidArgument, "the VMM's answer is too long");
}

}  // namespace

Result<VmmStatus> call_vmm(const std::string& socket_path, VmmRequest request, int timeout_ms) {
  auto deadline = SteadyClock::now() + std::chrono::milliseconds(timeout_ms);
  UniqueFd fd = TRY(connect_to(socket_path));
  std::string line = encode_request(request);
  size_t sent = 0;
  while (sent < line.size()) {
    TRY_VOID(wait_for(fd.get(), POLLOUT, deadline));
    ssize_t now = send(fd.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (now < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (now < 0) return fail(ErrorCode::kUnavailable, "the VMM closed its control connection");
    sent += static_cast<size_t>(now);
  }
  std::string reply = TRY(receive_line(fd.get(), deadline));
  VmmAnswer answer = TRY(decode_answer(reply));
  if (!answer.ok) return fail(ErrorCode::kFailedPrecondition, "the VMM refused: " + answer.error);
  return answer.status;
}

}  // namespace cumulet::node
