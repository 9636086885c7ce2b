// The poll loop of the control socket.
#include "command/vm/control_server.h"

#include <cerrno>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <vector>

#include "node/protocol/unix_address.h"

namespace cumulet::command {

namespace {
constexpr size_t kMaximumClients = 32;
constexpr int kListenBacklog = 16;
}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::start(const std::string& path, Callbacks callbacks) {
  std::unique_ptr<ControlServer> server(new ControlServer(path, std::move(callbacks)));
  TRY_VOID(server->open());
  server->thread_ = std::thread([raw = server.get()] { raw->run(); });
  return server;
}

Result<void> ControlServer::open() {
  sigset_t ending;
  sigemptyset(&ending);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ending, number);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  signals_ = UniqueFd(signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK));
  stop_event_ = UniqueFd(eventfd(0, EFD_CLOEXEC));
  listener_ = UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!signals_.valid() || !stop_event_.valid() || !listener_.valid())
    return fail(errno_error("create the control socket", errno));
  node::UnixAddress address = TRY(node::UnixAddress::create(path_));
  unlink(path_.c_str());
  // The mode must be right before anybody can connect; the process has no other threads yet.
  mode_t mask = umask(0177);
  int bound = bind(listener_.get(), address.get(), node::UnixAddress::size());
  int error_number = errno;
  umask(mask);
  if (bound != 0) return fail(errno_error("create the control socket " + path_, error_number));
  if (listen(listener_.get(), kListenBacklog) != 0)
    return fail(errno_error("listen at the control socket " + path_, errno));
  return {};
}

ControlServer::~ControlServer() {
  uint64_t one = 1;
  if (stop_event_.valid()) (void)!write(stop_event_.get(), &one, sizeof(one));
  if (thread_.joinable()) {
    thread_.join();
    unlink(path_.c_str());
  }
}

void ControlServer::run() {
  pthread_setname_np(pthread_self(), "control");
  while (true) {
    bool room = clients_.size() < kMaximumClients;
    std::vector<pollfd> waiting = {{stop_event_.get(), POLLIN, 0},
                                   {signals_.get(), POLLIN, 0},
                                   {room ? listener_.get() : -1, POLLIN, 0}};
    for (const Client& client : clients_) waiting.push_back({client.fd.get(), POLLIN, 0});
    if (poll(waiting.data(), waiting.size(), -1) < 0) continue;
    if (waiting[0].revents != 0) return;
    if (waiting[1].revents != 0) {
      signalfd_siginfo info{};
      if (read(signals_.get(), &info, sizeof(info)) == sizeof(info)) callbacks_.on_end_signal();
    }
    size_t next = 3;
    for (auto client = clients_.begin(); client != clients_.end();) {
      bool keep = waiting[next++].revents == 0 || serve(*client);
      client = keep ? std::next(client) : clients_.erase(client);
    }
    if (waiting[2].revents != 0) accept_client();
  }
}

void ControlServer::accept_client() {
  UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (fd.valid()) clients_.push_back({std::move(fd), {}});
}

bool ControlServer::serve(Client& client) {
  char buffer[4096];
  ssize_t got = recv(client.fd.get(), buffer, sizeof(buffer), 0);
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  if (got == 0) return false;
  client.received.append(buffer, static_cast<size_t>(got));
  for (size_t end; (end = client.received.find('\n')) != std::string::npos;) {
    std::string line = client.received.substr(0, end);
    client.received.erase(0, end + 1);
    if (!answer(client, line)) return false;
  }
  return client.received.size() < node::kMaximumControlLine;
}

bool ControlServer::answer(Client& client, std::string_view line) {
  Result<node::VmmRequest> request = node::decode_request(line);
  node::VmmAnswer reply;
  if (request) {
    reply = callbacks_.on_request(*request);
  } else {
    reply.error = request.error().message;
  }
  std::string text = node::encode_answer(reply);
  ssize_t sent = send(client.fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(text.size());
}

}  // namespace cumulet::command
