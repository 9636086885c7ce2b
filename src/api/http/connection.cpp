// The steps of one connection, by Boost.Beast.
#include "api/http/connection.h"

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <exception>

#include "base/log.h"

namespace cumulet::api::http {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;

namespace {

// After a refusal the client may still be sending. Closing at once would reset the connection and could
// destroy the answer before the client reads it, so this much more is read and thrown away.
constexpr size_t kDrainBytes = 4 << 20;
constexpr auto kDrainTime = std::chrono::seconds(2);

std::string to_string(beast::string_view text) { return std::string(text.data(), text.size()); }

Request to_request(const bhttp::request<bhttp::string_body>& message, const std::string& peer) {
  Request request;
  request.method = to_string(message.method_string());
  request.target = to_string(message.target());
  for (const auto& field : message) {
    request.headers.push_back({to_string(field.name_string()), to_string(field.value())});
  }
  request.body = message.body();
  request.peer = peer;
  return request;
}

// What a failed read deserves as an answer; 0 if the client is gone or too slow, and gets none.
int refusal_status(const boost::system::error_code& error) {
  if (error == bhttp::error::body_limit) return 413;
  if (error == bhttp::error::header_limit) return 431;
  if (error == bhttp::error::end_of_stream || error == bhttp::error::partial_message) return 0;
  if (error == bhttp::error::buffer_overflow) return 431;
  bool malformed = error.category() == bhttp::make_error_code(bhttp::error::bad_method).category();
  return malformed ? 400 : 0;
}

std::string_view refusal_reason(int status) {
  switch (status) {
    case 413: return "The request body is too large.";
    case 431: return "The request header is too large.";
    default: return "The request is not valid HTTP.";
  }
}

}  // namespace

Connection::Connection(boost::asio::ip::tcp::socket socket, const ServerOptions& options, Handler& handler,
                       std::function<void()> on_closed)
    : stream_(std::move(socket)), options_(options), handler_(handler), on_closed_(std::move(on_closed)) {
  Error error;
  auto endpoint = stream_.socket().remote_endpoint(error);
  if (!error) peer_ = endpoint.address().to_string();
}

Connection::~Connection() { on_closed_(); }

void Connection::start() {
  boost::asio::dispatch(stream_.get_executor(), [self = shared_from_this()] { self->read_header(); });
}

void Connection::start_refused() {
  boost::asio::dispatch(stream_.get_executor(), [self = shared_from_this()] {
    self->write(self->handler_.refuse(503, "There are too many connections. Try again later."), false);
  });
}

void Connection::stop() {
  stopping_ = true;
  boost::asio::post(stream_.get_executor(), [self = shared_from_this()] {
    if (self->reading_header_) self->close();
  });
}

void Connection::read_header() {
  if (stopping_) return close();
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(options_.max_header_bytes));
  parser_->body_limit(options_.max_body_bytes);
  reading_header_ = true;
  stream_.expires_after(std::chrono::milliseconds(options_.read_timeout_ms));
  bhttp::async_read_header(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](const Error& error, size_t) { self->on_header(error); });
}

void Connection::on_header(const Error& error) {
  reading_header_ = false;
  if (error) return refuse(error);
  // RFC 9110 section 10.1.1: the client waits for leave to send the body.
  if (beast::iequals(parser_->get()[bhttp::field::expect], "100-continue")) return send_continue();
  read_body();
}

void Connection::send_continue() {
  continue_ = {bhttp::status::continue_, 11};
  bhttp::async_write(stream_, continue_, [self = shared_from_this()](const Error& error, size_t) {
    if (error) return self->close();
    self->read_body();
  });
}

void Connection::read_body() {
  bhttp::async_read(stream_, buffer_, *parser_,
                    [self = shared_from_this()](const Error& error, size_t) { self->on_body(error); });
}

void Connection::on_body(const Error& error) {
  if (error) return refuse(error);
  answer();
}

void Connection::refuse(const Error& error) {
  int status = refusal_status(error);
  if (status == 0) return close();
  write(handler_.refuse(status, refusal_reason(status)), false);
}

void Connection::answer() {
  Response response;
  try {
    response = handler_.handle(to_request(parser_->get(), peer_));
  } catch (const std::exception& exception) {
    // A library below threw; the request fails, the server goes on.
    spdlog::error("request handler threw: {}", exception.what());
    response = handler_.refuse(500, "An internal error has occurred.");
  }
  write(std::move(response), parser_->get().keep_alive() && !stopping_);
}

void Connection::write(Response response, bool keep_alive) {
  bool head_only = parser_ && parser_->get().method() == bhttp::verb::head;
  response_ = {static_cast<bhttp::status>(response.status), 11};
  for (const Header& header : response.headers) response_.set(header.name, header.value);
  size_t length = response.body.size();
  if (!head_only) response_.body() = std::move(response.body);
  response_.content_length(length);
  response_.keep_alive(keep_alive);
  stream_.expires_after(std::chrono::milliseconds(options_.write_timeout_ms));
  bhttp::async_write(stream_, response_, [self = shared_from_this(), keep_alive](const Error& error, size_t) {
    self->on_written(error, keep_alive);
  });
}

void Connection::on_written(const Error& error, bool keep_alive) {
  if (error) return close();
  if (keep_alive) return read_header();
  Error ignored;
  stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  stream_.expires_after(kDrainTime);
  drain(kDrainBytes);
}

void Connection::drain(size_t remaining) {
  buffer_.clear();
  if (remaining == 0 || stopping_) return close();
  size_t chunk = std::min<size_t>(remaining, 64 << 10);
  stream_.async_read_some(buffer_.prepare(chunk),
                          [self = shared_from_this(), remaining](const Error& error, size_t size) {
                            if (error || size == 0) return self->close();
                            self->drain(remaining - std::min(remaining, size));
                          });
}

void Connection::close() { stream_.close(); }

}  // namespace cumulet::api::http
