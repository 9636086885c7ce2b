// Server: answers HTTP/1.1 on one TCP address by calling a handler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "api/http/message.h"
#include "base/result.h"

namespace cumulet::api::http {

// What is served. Called from several threads at once.
class Handler {
 public:
  virtual ~Handler() = default;
  // Answers a complete request.
  [[nodiscard]] virtual Response handle(const Request& request) = 0;
  // Makes the answer to a request that never got that far: status 400 (not HTTP), 408, 413 (body too large),
  // 431 (header too large), 500 (the handler threw) or 503 (too many connections).
  [[nodiscard]] virtual Response refuse(int status, std::string_view reason) = 0;
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 4566;                // 0: the system chooses
  unsigned threads = 4;                // that run handlers
  size_t max_connections = 256;        // more are answered 503 and closed
  size_t max_header_bytes = 64 << 10;  // presigned requests carry everything in the target
  size_t max_body_bytes = 1 << 20;
  uint32_t read_timeout_ms = 30'000;  // from the first byte of a request (or of an idle wait) to its last
  uint32_t write_timeout_ms = 30'000;
  uint32_t stop_grace_ms = 5'000;  // for requests in flight when stop() is called
};

// Threads start in start() and end in stop() (or the destructor). A client can neither crash the server nor
// hold a connection beyond the timeouts. The handler must outlive the server.
class Server {
 public:
  // Binds and begins to serve. Errors: kInvalidArgument (bad address), kIo (port in use, ...).
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(const ServerOptions& options, Handler& handler);

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  virtual ~Server() = default;

  // The bound port.
  [[nodiscard]] virtual uint16_t port() const = 0;
  // Stops accepting, lets requests in flight finish within the grace, closes everything. Idempotent.
  virtual void stop() = 0;

 protected:
  Server() = default;
};

}  // namespace cumulet::api::http
