# ./dev test: the module tests under ASan and UBSan, everything else against the optimized programs. Sourced by dev.
# shellcheck shell=bash

# One ctest run over two builds, so that there is one summary: what the sanitizers watch from dev, the rest from release.
write_test_list() {
  local folder
  mkdir -p build/test
  {
    printf 'subdirs("%s")\n' "$PWD/build/dev/src" "$PWD/build/dev/tests/fuzz"
    for folder in build/release/tests/*/; do
      [ "$(basename "$folder")" = fuzz ] || [ ! -f "$folder/CTestTestfile.cmake" ] ||
        printf 'subdirs("%s")\n' "$PWD/${folder%/}"
    done
  } >build/test/CTestTestfile.cmake
}

command_test() {
  local slow=${CI:-false}
  if [ "${1:-}" = --slow ]; then
    slow=true
    shift
  fi
  ensure_packages
  build_preset dev unit_tests
  build_preset release all

  write_test_list
  local arguments=(--test-dir build/test --output-on-failure --no-tests=error --no-label-summary --parallel "$JOBS")
  if [ "$slow" = false ] || [ -z "$slow" ]; then
    arguments+=(--label-exclude '^slow$')
    say "testing (quick; ./dev test --slow runs all)"
  else
    say "testing (all)"
  fi
  UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1} \
    ctest "${arguments[@]}" "$@"
}
