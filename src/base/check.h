// CHECK: our own bugs end the process with a message, in release builds too.
#pragma once

namespace cumulet {

// Prints "CHECK failed: <expression> at <file>:<line>" to stderr and aborts.
[[noreturn]] void check_failed(const char* expression, const char* file, int line);

}  // namespace cumulet

#define CHECK(condition)                                       \
  do {                                                         \
    if (!(condition)) [[unlikely]]                             \
      ::cumulet::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
