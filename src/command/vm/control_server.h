// ControlServer: answers control requests on a VMM's Unix socket, and ending signals, in a thread of its own.
#pragma once

#include <functional>
#include <list>
#include <string>
#include <thread>

#include "base/result.h"
#include "base/unique_fd.h"
#include "node/protocol/vmm_control.h"

namespace cumulet::command {

// Clients may connect at any time, send many requests, send garbage, or go away; none can hold up another or
// the guest: all sockets are non-blocking, and a client that does not read its answers is dropped.
class ControlServer {
 public:
  struct Callbacks {
    std::function<node::VmmAnswer(node::VmmRequest)> on_request;  // must not block
    std::function<void()> on_end_signal;                          // SIGTERM, SIGINT, SIGHUP
  };

  // Blocks the ending signals in the calling thread (so in those that it starts later), listens at `path`,
  // replacing what an earlier process left there, and begins to answer. Errors: kInvalidArgument,
  // kUnavailable, kIo.
  static Result<std::unique_ptr<ControlServer>> start(const std::string& path, Callbacks callbacks);
  // Stops answering and removes the socket.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  struct Client {
    UniqueFd fd;
    std::string received;
  };
  ControlServer(std::string path, Callbacks callbacks)
      : path_(std::move(path)), callbacks_(std::move(callbacks)) {}

  Result<void> open();
  void run();
  void accept_client();
  // False when the client is to be dropped.
  bool serve(Client& client);
  bool answer(Client& client, std::string_view line);

  std::string path_;
  Callbacks callbacks_;
  UniqueFd listener_, signals_, stop_event_;
  std::list<Client> clients_;
  std::thread thread_;
};

}  // namespace cumulet::command
