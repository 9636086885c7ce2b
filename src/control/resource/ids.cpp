// Making and recognizing resource ids.
#include "control/resource/ids.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <sys/random.h>

#include "base/check.h"

namespace cumulet::control {

std::string RandomIdSource::next_digits() {
  unsigned char random[8];
  // getrandom(2): up to 256 bytes come whole once the pool is initialized; before that it waits or is
  // interrupted.
  ssize_t got = 0;
  do {
    got = getrandom(random, sizeof(random), 0);
  } while (got < 0 && errno == EINTR);
  CHECK(got == static_cast<ssize_t>(sizeof(random)));
  // As in AWS, every id begins with 0 for now: the first digit is not random.
  std::string digits = "0";
  for (const unsigned char byte : random) digits += fmt::format("{:02x}", byte);
  return digits;
}

bool is_resource_id(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  if (text.size() != 8 && text.size() != 17) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace cumulet::control
