# ./dev test: the module tests under ASan and UBSan, everything else against the optimized programs. Sourced by dev.
# shellcheck shell=bash

command_test() {
  local slow=${CI:-false}
  if [ "${1:-}" = --slow ]; then
    slow=true
    shift
  fi
  ensure_packages
  build_preset dev unit_tests
  build_preset release all

  # One ctest run over two builds, so that there is one summary: src/ of dev, tests/ of release.
  mkdir -p build/test
  printf 'subdirs("%s")\n' "$PWD/build/dev/src" "$PWD/build/release/tests" >build/test/CTestTestfile.cmake
  local arguments=(--test-dir build/test --output-on-failure --no-tests=error --no-label-summary --parallel "$JOBS")
  if [ "$slow" = false ] || [ -z "$slow" ]; then
    arguments+=(--label-exclude '^slow$')
    say "testing (quick; ./dev test --slow runs all)"
  else
    say "testing (all)"
  fi
  # The sanitizers' own options: a test that leaks or overflows must fail, not print.
  ASAN_OPTIONS=${ASAN_OPTIONS:-strict_string_checks=1:detect_stack_use_after_return=1} \
    UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1} \
    ctest "${arguments[@]}" "$@"
}
