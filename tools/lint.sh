# ./dev lint: the lints alone, the slow ones (clang-tidy) included. Sourced by dev.
# shellcheck shell=bash

command_lint() {
  ensure_packages
  # clang-tidy reads the compile commands and the generated headers of the release build.
  build_preset release all
  ctest --test-dir build/release/tests/lint --output-on-failure --no-tests=error --parallel "$JOBS" "$@"
}
