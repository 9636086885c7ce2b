// Telling the user what is waited for.
#include "command/cumulet/progress.h"

#include <cstdio>
#include <fmt/format.h>

namespace cumulet::command {

void Progress::tell(const std::string& text) {
  const Clock::time_point now = Clock::now();
  if (now - start_ < std::chrono::seconds(2)) return;
  if (text == last_ && now - told_ < std::chrono::seconds(10)) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - start_).count();
  fmt::print(stderr, "cumulet: {} ({} s)\n", text, seconds);
  last_ = text;
  told_ = now;
}

}  // namespace cumulet::command
