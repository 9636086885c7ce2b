// Canonicalization, step by step as AWS documents it for Signature Version 4.
#include "api/auth/canonical.h"

#include <algorithm>

#include "api/auth/digest.h"

namespace cumulet::api {

namespace {

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

// Trims, and makes every run of blanks inside one space.
std::string squeeze(std::string_view value) {
  std::string result;
  bool blank = false;
  for (char c : value) {
    if (c == ' ' || c == '\t') {
      blank = true;
      continue;
    }
    if (blank && !result.empty()) result += ' ';
    blank = false;
    result += c;
  }
  return result;
}

}  // namespace

std::string uri_encode(std::string_view text, bool keep_slash) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (char c : text) {
    if (is_unreserved(c) || (c == '/' && keep_slash)) {
      encoded += c;
      continue;
    }
    auto byte = static_cast<uint8_t>(c);
    encoded += '%';
    encoded += kDigits[byte >> 4];
    encoded += kDigits[byte & 0xf];
  }
  return encoded;
}

std::string canonical_path(std::string_view path) {
  std::vector<std::string_view> segments;
  bool ends_in_slash = path.empty() || path.back() == '/';
  while (!path.empty()) {
    size_t slash = path.find('/');
    std::string_view segment = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
  }
  std::string normal = "/";
  for (std::string_view segment : segments) {
    if (normal.size() > 1) normal += '/';
    normal += segment;
  }
  if (ends_in_slash && normal.size() > 1) normal += '/';
  return uri_encode(normal, true);
}

std::string canonical_query(const FormParameters& query) {
  std::vector<std::pair<std::string, std::string>> encoded;
  for (const auto& [name, value] : query) {
    if (name != "X-Amz-Signature") encoded.emplace_back(uri_encode(name, false), uri_encode(value, false));
  }
  std::sort(encoded.begin(), encoded.end());
  std::string text;
  for (const auto& [name, value] : encoded) {
    if (!text.empty()) text += '&';
    text.append(name).append("=").append(value);
  }
  return text;
}

std::optional<std::string> canonical_headers(const http::Request& request,
                                             const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text.append(name).append(":");
    bool found = false;
    for (const http::Header& header : request.headers) {
      if (!http::same_header_name(header.name, name)) continue;
      if (found) text += ',';
      text += squeeze(header.value);
      found = true;
    }
    if (!found) return {};
    text += '\n';
  }
  return text;
}

std::optional<std::string> canonical_request(const http::Request& request, std::string_view path,
                                             const FormParameters& query,
                                             const std::vector<std::string>& signed_headers) {
  auto headers = canonical_headers(request, signed_headers);
  if (!headers) return {};
  std::string names;
  for (const std::string& name : signed_headers) {
    if (!names.empty()) names += ';';
    names += name;
  }
  return request.method + "\n" + canonical_path(path) + "\n" + canonical_query(query) + "\n" + *headers +
         "\n" + names + "\n" + to_hex(sha256(request.body));
}

}  // namespace cumulet::api
