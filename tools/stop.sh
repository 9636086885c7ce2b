# ./dev stop: stops the cloud that ./dev run started, its instances too; what they stored stays. Sourced by dev.
# shellcheck shell=bash

command_stop() {
  local cumulet=build/release/bin/cumulet
  [ -x "$cumulet" ] || fail "nothing was built, so nothing runs"
  "$cumulet" down
}
