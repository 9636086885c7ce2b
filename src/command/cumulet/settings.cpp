// Reading, choosing and keeping a cloud's settings.
#include "command/cumulet/settings.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <sys/file.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/unique_fd.h"
#include "command/cumulet/daemon_lock.h"
#include "command/cumulet/files.h"
#include "node/protocol/json_fields.h"

namespace cumulet::command {

namespace {

constexpr const char* kDefaultRegion = "us-east-1";

// Returns random characters of `alphabet`, each equally likely.
std::string random_text(size_t length, std::string_view alphabet) {
  const size_t usable = 256 - 256 % alphabet.size();
  std::string text;
  while (text.size() < length) {
    unsigned char byte = 0;
    const ssize_t got = getrandom(&byte, 1, 0);
    CHECK(got == 1 || (got < 0 && errno == EINTR));
    if (got == 1 && byte < usable) text += alphabet[byte % alphabet.size()];
  }
  return text;
}

bool consists_of(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
// AWS's access key ids are base 32 (RFC 4648).
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// "us-east-1": lower-case words, then a number.
bool is_region(std::string_view text) {
  const size_t last = text.rfind('-');
  if (last == std::string_view::npos || last == 0 || last + 1 == text.size() || text.size() > 20)
    return false;
  return consists_of(text.substr(0, last), std::string(kLower) + "-") && text.front() != '-' &&
         consists_of(text.substr(last + 1), kDigits);
}

Result<> check(const Settings& settings) {
  if (!is_region(settings.region))
    return fail(ErrorCode::kInvalidArgument,
                "'" + settings.region + "' is not a region name (an example is us-east-1)");
  if (settings.account_id.size() != 12 || !consists_of(settings.account_id, kDigits))
    return fail(ErrorCode::kInvalidArgument,
                "an account id has 12 digits, unlike '" + settings.account_id + "'");
  const std::string key_characters = std::string(kUpper) + std::string(kLower) + std::string(kDigits) + "_";
  if (settings.access_key_id.size() < 3 || settings.access_key_id.size() > 128 ||
      !consists_of(settings.access_key_id, key_characters))
    return fail(ErrorCode::kInvalidArgument, "an access key has 3 to 128 letters, digits and underscores");
  const auto is_printable = [](char c) { return c > ' ' && c < '\x7f'; };
  if (settings.secret_access_key.size() > 128 ||
      !std::all_of(settings.secret_access_key.begin(), settings.secret_access_key.end(), is_printable))
    return fail(ErrorCode::kInvalidArgument,
                "a secret key has at most 128 printable characters, and no spaces");
  return {};
}

Result<Settings> parse(const std::string& text, const std::string& path) {
  const auto read = [&]() -> Result<Settings> {
    node::JsonFields fields = TRY(node::JsonFields::parse(text, path));
    Settings settings;
    settings.region = TRY(fields.string("region"));
    settings.account_id = TRY(fields.string("account_id"));
    settings.access_key_id = TRY(fields.string("access_key_id"));
    settings.secret_access_key = TRY(fields.string("secret_access_key"));
    TRY_VOID(check(settings));
    return settings;
  };
  Result<Settings> settings = read();
  if (!settings) return fail(ErrorCode::kCorrupt, path + " is damaged", settings.error().message);
  return settings;
}

Settings choose() {
  return {kDefaultRegion, random_text(1, kDigits.substr(1)) + random_text(11, kDigits),
          "AKIA" + random_text(16, kBase32), random_text(40, kBase64)};
}

std::string encode(const Settings& settings) {
  return boost::json::serialize(boost::json::object{{"region", settings.region},
                                                    {"account_id", settings.account_id},
                                                    {"access_key_id", settings.access_key_id},
                                                    {"secret_access_key", settings.secret_access_key}}) +
         "\n";
}

// Waits until no other process chooses settings: two first commands at once must not choose two accounts.
Result<UniqueFd> lock_file(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return fail(errno_error("open " + path, errno));
  while (flock(fd.get(), LOCK_EX) != 0)
    if (errno != EINTR) return fail(errno_error("lock " + path, errno));
  return fd;
}

}  // namespace

Result<Settings> load_settings(const StateFolder& folder, const Settings& wanted) {
  const std::string path = folder.settings();
  const UniqueFd lock = TRY(lock_file(path + ".lock"));
  const Result<std::string> text = read_small_file(path);
  if (!text && text.error().code != ErrorCode::kNotFound) return fail(text.error());
  const Settings kept = text ? TRY(parse(*text, path)) : choose();
  Settings settings = kept;
  if (!wanted.region.empty()) settings.region = wanted.region;
  if (!wanted.account_id.empty()) settings.account_id = wanted.account_id;
  if (!wanted.access_key_id.empty()) settings.access_key_id = wanted.access_key_id;
  if (!wanted.secret_access_key.empty()) settings.secret_access_key = wanted.secret_access_key;
  TRY_VOID(check(settings));
  if (text && settings.region != kept.region)
    return fail(ErrorCode::kFailedPrecondition,
                "this state folder is of region " + kept.region + ", not " + settings.region);
  if (text && settings.account_id != kept.account_id)
    return fail(ErrorCode::kFailedPrecondition,
                "this state folder is of account " + kept.account_id + ", not " + settings.account_id);
  if (text && settings != kept && TRY(find_daemon(folder)))
    return fail(ErrorCode::kFailedPrecondition,
                "the keys of a running cloud cannot change; first: cumulet down");
  if (!text || settings != kept) TRY_VOID(replace_file(path, encode(settings)));
  return settings;
}

}  // namespace cumulet::command
