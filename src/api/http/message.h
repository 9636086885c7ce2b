// Request and Response: HTTP messages as the rest of the API sees them, free of any server library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cumulet::api::http {

struct Header {
  std::string name;
  std::string value;
};

struct Request {
  std::string method;  // "POST"
  std::string target;  // as sent: path, then "?query" if there is one
  std::vector<Header> headers;
  std::string body;
  std::string peer;  // address of the client, for logs

  // Returns the value of the first header of this name (any case), or null.
  [[nodiscard]] const std::string* find_header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::vector<Header> headers;  // without Content-Length, Connection and Date, which the server adds
  std::string body;
};

// True if the two header names are the same, whatever their case (RFC 9110 section 5.1).
bool same_header_name(std::string_view a, std::string_view b);

}  // namespace cumulet::api::http
