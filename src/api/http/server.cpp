// The acceptor, its threads and the set of live connections, by Boost.Asio.
#include "api/http/server.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include "api/http/connection.h"
#include "base/log.h"

namespace cumulet::api::http {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// Refused clients get an answer, but only so many at once: beyond this a new connection is just closed.
constexpr size_t kMaxRefusals = 64;
// After a failed accept (out of file descriptors, say) wait this long instead of spinning.
constexpr auto kAcceptRetry = std::chrono::milliseconds(100);

class AsioServer final : public Server {
 public:
  AsioServer(const ServerOptions& options, Handler& handler) : options_(options), handler_(handler) {}
  ~AsioServer() override { stop(); }

  Result<> listen() {
    boost::system::error_code error;
    auto address = asio::ip::make_address(options_.address, error);
    if (error) return fail(ErrorCode::kInvalidArgument, "not an IP address: " + options_.address);
    tcp::endpoint endpoint(address, options_.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return fail(ErrorCode::kIo,
                  "cannot listen on " + options_.address + ":" + std::to_string(options_.port),
                  error.message());
    }
    port_ = acceptor_.local_endpoint(error).port();
    return {};
  }

  void run() {
    accept();
    for (unsigned i = 0; i < std::max(1u, options_.threads); ++i) {
      threads_.emplace_back([this] { io_.run(); });
    }
  }

  uint16_t port() const override { return port_; }

  void stop() override {
    if (threads_.empty()) return;
    asio::post(strand_, [this] { begin_stop(); });
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    ended_ = true;
  }

 private:
  // Runs on the strand. The threads end when no work is left: when the last connection is gone, or at the end
  // of the grace.
  void begin_stop() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    accept_timer_.cancel();
    stopping_ = true;
    if (connections_.empty()) return;
    for (auto& weak : connections_) {
      if (auto connection = weak.lock()) connection->stop();
    }
    grace_timer_.expires_after(std::chrono::milliseconds(options_.stop_grace_ms));
    grace_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) io_.stop();
    });
  }

  void accept() {
    acceptor_.async_accept(asio::make_strand(io_),
                           asio::bind_executor(strand_, [this](auto error, auto socket) {
                             on_accept(error, std::move(socket));
                           }));
  }

  void on_accept(const boost::system::error_code& error, tcp::socket socket) {
    if (stopping_ || error == asio::error::operation_aborted) return;
    if (error) {
      spdlog::warn("cannot accept a connection: {}", error.message());
      accept_timer_.expires_after(kAcceptRetry);
      accept_timer_.async_wait(asio::bind_executor(strand_, [this](auto timer_error) {
        if (!timer_error && !stopping_) accept();
      }));
      return;
    }
    serve(std::move(socket));
    accept();
  }

  void serve(tcp::socket socket) {
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    size_t open = connections_.size();
    if (open >= options_.max_connections + kMaxRefusals) return;
    auto place = connections_.emplace(connections_.end());
    // Posted, because a connection dies on its own strand (and perhaps while stop() walks this list).
    auto on_closed = [this, place] {
      if (!ended_) asio::post(strand_, [this, place] { forget(place); });
    };
    auto connection =
        std::make_shared<Connection>(std::move(socket), options_, handler_, std::move(on_closed));
    *place = connection;
    if (open >= options_.max_connections) {
      connection->start_refused();
    } else {
      connection->start();
    }
  }

  void forget(std::list<std::weak_ptr<Connection>>::iterator place) {
    connections_.erase(place);
    if (stopping_ && connections_.empty()) grace_timer_.cancel();
  }

  const ServerOptions options_;
  Handler& handler_;
  // Declared before the context, because its destructor ends connections that outlived the grace.
  std::atomic<bool> ended_{false};
  std::list<std::weak_ptr<Connection>> connections_;
  asio::io_context io_;
  asio::strand<asio::io_context::executor_type> strand_{asio::make_strand(io_)};
  tcp::acceptor acceptor_{strand_};
  asio::steady_timer accept_timer_{strand_};
  asio::steady_timer grace_timer_{strand_};
  bool stopping_ = false;
  uint16_t port_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Handler& handler) {
  auto server = std::make_unique<AsioServer>(options, handler);
  TRY_VOID(server->listen());
  server->run();
  return server;
}

}  // namespace cumulet::api::http
