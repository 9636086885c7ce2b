// Page tokens: the last key of the page, authenticated so that only our own are accepted.
#include "api/action/paging.h"

#include "api/auth/digest.h"
#include "api/shape/base64.h"

namespace cumulet::api {

namespace {

constexpr size_t kMacLength = 32;  // hexadecimal digits: 128 bits are enough for something that opens nothing
constexpr size_t kMaxTokenLength = 1024;

std::string mac(const ActionContext& context, std::string_view action, std::string_view key) {
  std::string text = std::string(action) + "\n" + std::string(key);
  return to_hex(hmac_sha256(context.caller.page_key, text)).substr(0, kMacLength);
}

}  // namespace

Outcome<PageBounds> read_page_request(const ActionContext& context, const PageRequest& request) {
  PageBounds bounds;
  if (request.max_results) {
    int64_t value = *request.max_results;
    if (value < request.smallest) {
      return refuse(ApiCode::kInvalidParameterValue,
                    "Value ( " + std::to_string(value) +
                        " ) for parameter maxResults is invalid. Expecting a value " +
                        "greater than or equal to " + std::to_string(request.smallest) + ".");
    }
    if (value > request.largest) {
      return refuse(ApiCode::kInvalidParameterValue,
                    "Value ( " + std::to_string(value) +
                        " ) for parameter maxResults is invalid. Expecting a value " +
                        "less than or equal to " + std::to_string(request.largest) + ".");
    }
    bounds.limit = static_cast<size_t>(value);
  }
  if (!request.next_token || request.next_token->empty()) return bounds;
  std::optional<std::string> token;
  if (request.next_token->size() <= kMaxTokenLength) token = base64_decode(*request.next_token);
  bool genuine = token && token->size() > kMacLength &&
                 equal_in_constant_time(mac(context, request.action, token->substr(kMacLength)),
                                        token->substr(0, kMacLength));
  if (!genuine) return refuse(ApiCode::kInvalidNextToken, "The specified NextToken is not valid.");
  bounds.after = token->substr(kMacLength);
  return bounds;
}

std::string make_next_token(const ActionContext& context, std::string_view action, std::string_view key) {
  return base64_encode(mac(context, action, key) + std::string(key));
}

Outcome<void> refuse_ids_with_max_results(bool has_ids, const std::optional<int64_t>& max_results,
                                          std::string_view ids_name) {
  if (!has_ids || !max_results) return {};
  return refuse(ApiCode::kInvalidParameterCombination,
                "The parameter " + std::string(ids_name) + " cannot be used with the parameter maxResults");
}

}  // namespace cumulet::api
