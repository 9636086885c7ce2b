# ./dev fmt: formats every tracked C++ source in place. Sourced by dev.
# shellcheck shell=bash

command_fmt() {
  ensure_packages
  git ls-files -z -- '*.cpp' '*.h' | xargs -0 -r clang-format-14 -i
  git diff --stat
}
