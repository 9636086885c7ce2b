// Connection: one client's TCP connection: reads a request, calls the handler, writes the answer, again.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/http/server.h"

namespace cumulet::api::http {

// Lives as long as an operation of its own is pending; every operation is bounded by a timeout. All of its
// handlers run on one strand, so no member needs a lock; stop() may be called from any thread.
//
//   read_header ──► [100-continue] ──► read_body ──► handle ──► write ──► read_header …
//        │ malformed, too large           │                       │ last answer
//        └────────────► refuse ───────────┴──────► write ────► drain ──► closed
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::ip::tcp::socket socket, const ServerOptions& options, Handler& handler,
             std::function<void()> on_closed);
  ~Connection();

  // Begins; the connection then keeps itself alive.
  void start();
  // Begins with a refusal instead of reading: for clients beyond max_connections.
  void start_refused();
  // Closes once the request in flight, if any, is answered.
  void stop();

 private:
  using Error = boost::system::error_code;

  void read_header();
  void on_header(const Error& error);
  void send_continue();
  void read_body();
  void on_body(const Error& error);
  void refuse(const Error& error);
  void answer();
  void write(Response response, bool keep_alive);
  void on_written(const Error& error, bool keep_alive);
  void drain(size_t remaining);
  void close();

  boost::beast::tcp_stream stream_;
  const ServerOptions& options_;
  Handler& handler_;
  std::function<void()> on_closed_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  boost::beast::http::response<boost::beast::http::string_body> response_;
  boost::beast::http::response<boost::beast::http::empty_body> continue_;
  std::string peer_;
  bool reading_header_ = false;  // nothing of a request has to be answered yet
  std::atomic<bool> stopping_{false};
};

}  // namespace cumulet::api::http
