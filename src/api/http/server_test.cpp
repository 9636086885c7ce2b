// Tests of the HTTP server over loopback: well-formed, malformed, oversized and slow clients, and stopping.
#include "api/http/server.h"

#include <arpa/inet.h>
#include <atomic>
#include <cstring>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>

#include "base/unique_fd.h"

namespace cumulet::api::http {
namespace {

// Echoes method, target and body; throws when the target asks for it.
class EchoHandler final : public Handler {
 public:
  Response handle(const Request& request) override {
    ++handled;
    if (request.target == "/throw") throw std::runtime_error("on purpose");
    Response response;
    response.headers.push_back({"Content-Type", "text/plain"});
    response.body = request.method + " " + request.target + " " + request.body;
    return response;
  }
  Response refuse(int status, std::string_view reason) override {
    return Response{status, {}, std::string(reason)};
  }
  std::atomic<int> handled{0};
};

class ServerTest : public ::testing::Test {
 protected:
  void start(ServerOptions options = {}) {
    options.port = 0;
    auto started = Server::start(options, handler_);
    ASSERT_TRUE(started.has_value()) << started.error().to_string();
    server_ = std::move(*started);
  }

  UniqueFd connect() {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
    timeval timeout{10, 0};  // a bound for a broken server, never reached otherwise
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr generic{};
    std::memcpy(&generic, &address, sizeof(address));
    EXPECT_EQ(::connect(fd.get(), &generic, sizeof(address)), 0);
    return fd;
  }

  static void send_all(int fd, std::string_view text) {
    while (!text.empty()) {
      ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // the server may have closed already
      text.remove_prefix(static_cast<size_t>(sent));
    }
  }

  // Reads until the server closes (or `until` was seen, if not empty).
  static std::string receive(int fd, std::string_view until = {}) {
    std::string text;
    char buffer[4096];
    while (until.empty() || text.find(until) == std::string::npos) {
      ssize_t received = ::recv(fd, buffer, sizeof(buffer), 0);
      if (received <= 0) break;
      text.append(buffer, static_cast<size_t>(received));
    }
    return text;
  }

  std::string exchange(std::string_view text) {
    UniqueFd fd = connect();
    send_all(fd.get(), text);
    ::shutdown(fd.get(), SHUT_WR);
    return receive(fd.get());
  }

  EchoHandler handler_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  start();
  UniqueFd fd = connect();
  for (int i = 0; i < 3; ++i) {
    send_all(fd.get(), "POST /x?a=b HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
    std::string answer = receive(fd.get(), "body");
    EXPECT_NE(answer.find("HTTP/1.1 200"), std::string::npos) << answer;
    EXPECT_NE(answer.find("POST /x?a=b body"), std::string::npos) << answer;
  }
}

TEST_F(ServerTest, PipelinedRequestsAreAllAnswered) {
  start();
  std::string answer = exchange(
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
      "GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("GET /1"), std::string::npos) << answer;
  EXPECT_NE(answer.find("GET /3"), std::string::npos) << answer;
}

TEST_F(ServerTest, ChunkedBodiesAndContinueWork) {
  start();
  std::string answer = exchange(
      "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_NE(answer.find("POST /c abcde"), std::string::npos) << answer;
  UniqueFd fd = connect();
  send_all(fd.get(), "POST /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_NE(receive(fd.get(), "100 Continue").find("100 Continue"), std::string::npos);
  send_all(fd.get(), "ok");
  EXPECT_NE(receive(fd.get(), "POST /e ok").find("POST /e ok"), std::string::npos);
}

TEST_F(ServerTest, GarbageIsRefused) {
  start();
  EXPECT_NE(exchange("this is not HTTP\r\n\r\n").find("HTTP/1.1 400"), std::string::npos);
  EXPECT_NE(exchange(std::string("\x16\x03\x01\x02\x00\x01\r\n\r\n", 10)).find("HTTP/1.1 400"),
            std::string::npos);
  EXPECT_NE(exchange("GET / HTTP/1.1\r\nno colon here\r\n\r\n").find("HTTP/1.1 400"), std::string::npos);
  EXPECT_NE(exchange("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n").find("HTTP/1.1 400"),
            std::string::npos);
  EXPECT_EQ(handler_.handled, 0);
}

TEST_F(ServerTest, OversizedHeadersAndBodiesAreRefused) {
  start();
  std::string header = "GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n";
  EXPECT_NE(exchange(header).find("HTTP/1.1 431"), std::string::npos);
  std::string declared = "POST / HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n";
  EXPECT_NE(exchange(declared).find("HTTP/1.1 413"), std::string::npos);
  EXPECT_NE(exchange(declared + std::string(2'000'000, 'x')).find("HTTP/1.1 413"), std::string::npos);
  EXPECT_EQ(handler_.handled, 0);
}

TEST_F(ServerTest, AnIncompleteRequestIsNotHandled) {
  start();
  EXPECT_EQ(exchange("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nshort"), "");
  EXPECT_EQ(exchange(""), "");
  EXPECT_EQ(handler_.handled, 0);
}

TEST_F(ServerTest, SlowClientsAreDisconnected) {
  ServerOptions options;
  options.read_timeout_ms = 100;
  start(options);
  UniqueFd fd = connect();
  send_all(fd.get(), "GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(receive(fd.get()), "");  // ends by the server's timeout, not by the socket's
  EXPECT_EQ(handler_.handled, 0);
}

TEST_F(ServerTest, ClientsBeyondTheLimitAreRefused) {
  ServerOptions options;
  options.max_connections = 1;
  start(options);
  UniqueFd first = connect();
  send_all(first.get(), "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  receive(first.get(), "GET /1");
  EXPECT_NE(exchange("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n").find("HTTP/1.1 503"), std::string::npos);
}

TEST_F(ServerTest, AThrowingHandlerIsAnInternalError) {
  start();
  std::string answer = exchange("GET /throw HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("HTTP/1.1 500"), std::string::npos) << answer;
}

TEST_F(ServerTest, StopClosesIdleConnections) {
  start();
  UniqueFd fd = connect();
  send_all(fd.get(), "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  receive(fd.get(), "GET /1");
  server_->stop();
  EXPECT_EQ(receive(fd.get()), "");
  server_->stop();
}

TEST_F(ServerTest, StopEndsAConnectionThatNeverFinishes) {
  ServerOptions options;
  options.stop_grace_ms = 50;
  start(options);
  UniqueFd fd = connect();
  send_all(fd.get(), "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n");
  receive(fd.get(), "100 Continue");
  server_.reset();
  EXPECT_EQ(receive(fd.get()), "");
}

TEST_F(ServerTest, ATakenPortIsAnError) {
  start();
  ServerOptions options;
  options.port = server_->port();
  auto second = Server::start(options, handler_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kIo);
  options.address = "not-an-address";
  EXPECT_EQ(Server::start(options, handler_).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace cumulet::api::http
