# ./dev bench: runs bench/NAME/run, one or all, against the optimized programs. Sourced by dev.
# shellcheck shell=bash

command_bench() {
  ensure_packages
  build_preset release all
  local names=("$@") one
  if [ $# -eq 0 ]; then
    mapfile -t names < <(find bench -mindepth 2 -maxdepth 2 -name run | sort | xargs -r -n1 dirname | xargs -r -n1 basename)
    [ ${#names[@]} -gt 0 ] || fail "there are no benchmarks in bench/"
    for one in "${names[@]}"; do
      say "bench/$one"
      "bench/$one/run"
    done
    return
  fi
  one=$1
  shift
  [ -x "bench/$one/run" ] || fail "no benchmark bench/$one/run"
  "bench/$one/run" "$@"
}
