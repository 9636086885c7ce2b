// Canonical requests: the one text that client and server hash for a request (AWS Signature Version 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/message.h"
#include "api/shape/form.h"

namespace cumulet::api {

// Percent-encodes all but unreserved characters (RFC 3986 section 2.3), and '/' if `keep_slash`.
std::string uri_encode(std::string_view text, bool keep_slash);

// Returns the canonical path of a request target's path: dot segments and doubled slashes removed, then
// encoded once more, as every service but S3 wants it.
std::string canonical_path(std::string_view path);

// Returns the query's decoded parameters encoded and sorted, without X-Amz-Signature.
std::string canonical_query(const FormParameters& query);

// Returns one "name:value\n" per name, with runs of spaces in values made one and repeated headers joined by
// commas; nothing if a header is absent from the request.
std::optional<std::string> canonical_headers(const http::Request& request,
                                             const std::vector<std::string>& names);

// Returns the whole canonical request, which signs the body by its SHA-256; nothing if a signed header is
// absent.
std::optional<std::string> canonical_request(const http::Request& request, std::string_view path,
                                             const FormParameters& query,
                                             const std::vector<std::string>& signed_headers);

}  // namespace cumulet::api
