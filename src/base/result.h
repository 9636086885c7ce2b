// Result<T> and TRY: operational failures as values (std::expected's names, for a later swap).
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "base/error.h"

namespace cumulet {

template <typename T = void>
using Result = tl::expected<T, Error>;

// Builds the failed side of any Result: `return fail(ErrorCode::kNotFound, "no image ami-1");`
inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string context = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(context)});
}
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace cumulet

// TRY(expression): evaluates to the value of a Result, or returns its error from the enclosing function.
// (A GNU statement expression; both compilers of this project have it.)
#define TRY(...)                                                               \
  __extension__({                                                              \
    auto try_result_ = (__VA_ARGS__);                                          \
    if (!try_result_) return ::tl::unexpected(std::move(try_result_).error()); \
    std::move(try_result_).value();                                            \
  })

// TRY_VOID(expression): the same for a Result<void>, as a statement.
#define TRY_VOID(...)                                          \
  do {                                                         \
    if (auto try_result_ = (__VA_ARGS__); !try_result_)        \
      return ::tl::unexpected(std::move(try_result_).error()); \
  } while (false)
