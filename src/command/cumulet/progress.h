// Progress: one line on stderr about something that takes more than two seconds.
#pragma once

#include <chrono>
#include <string>

namespace cumulet::command {

// Says nothing for the first two seconds, then a line each time the text changes, or every ten seconds.
class Progress {
 public:
  void tell(const std::string& text);

 private:
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point told_ = start_;
  std::string last_;
};

}  // namespace cumulet::command
