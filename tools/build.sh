# ./dev build: installs what is missing and builds one preset. Sourced by dev.
# shellcheck shell=bash

command_build() {
  local preset=${1:-release}
  [ $# -gt 0 ] && shift
  ensure_packages
  if [ $# -gt 0 ]; then
    build_preset "$preset" "$@"
  elif [ "$preset" = release ]; then
    build_preset release programs
  else
    build_preset "$preset" all
  fi
  say "built in build/$preset/bin/"
}
