# What the commands of ./dev share: messages, packages, building a preset. Sourced, never run.
# shellcheck shell=bash

JOBS=$(nproc)
PRESETS="release dev tsan fuzz coverage"

# Clones in different folders share what ccache holds: paths are hashed relative to the clone.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# say TEXT: progress, on stderr.
say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }

# fail TEXT: one line on stderr, then exit.
fail() {
  printf 'dev: %s\n' "$*" >&2
  exit 1
}

# missing_packages: those of packages.txt that are not installed, one a line.
missing_packages() {
  local wanted installed
  wanted=$(sed 's/#.*//' packages.txt | tr -s ' \n' '\n' | sort -u | sed '/^$/d')
  # dpkg-query fails when a name is unknown to it, which is what "missing" means here.
  # shellcheck disable=SC2086
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^installed //p' | sort -u)
  comm -23 <(echo "$wanted") <(echo "$installed")
}

# ensure_packages: installs what packages.txt lists and this machine lacks.
ensure_packages() {
  command -v dpkg-query >/dev/null || fail "this is not Debian: install the equivalents of packages.txt by hand"
  local missing
  missing=$(missing_packages)
  [ -n "$missing" ] || return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "not root and no sudo; as root: apt-get install $(echo "$missing" | xargs)"
    as_root=(sudo)
  fi
  say "installing $(echo "$missing" | wc -l) packages with apt: $(echo "$missing" | xargs)"
  local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
    apt-get install --quiet --yes --no-install-recommends -o Dpkg::Use-Pty=0)
  # Lists that are missing or stale show as a failed install; only then are they fetched.
  # shellcheck disable=SC2086
  if ! "${install[@]}" $missing >&2; then
    say "fetching fresh package lists"
    "${as_root[@]}" apt-get update --quiet >&2 || fail "apt-get update failed"
    # shellcheck disable=SC2086
    "${install[@]}" $missing >&2 || fail "apt could not install what is missing"
  fi
  missing=$(missing_packages)
  [ -z "$missing" ] || fail "still missing after the installation: $(echo "$missing" | xargs)"
}

# build_preset PRESET TARGET…: configures build/PRESET once, then builds the targets.
build_preset() {
  local preset=$1
  shift
  case " $PRESETS " in *" $preset "*) ;; *) fail "unknown preset '$preset'; one of: $PRESETS" ;; esac
  if [ ! -f "build/$preset/build.ninja" ]; then
    mkdir -p "build/$preset"
    say "configuring build/$preset"
    cmake --preset "$preset" >"build/$preset/configure.log" 2>&1 || {
      cat "build/$preset/configure.log" >&2
      fail "cannot configure the preset $preset"
    }
  fi
  say "building $* ($preset)"
  NINJA_STATUS="[%f/%t %es] " cmake --build "build/$preset" --parallel "$JOBS" --target "$@" >&2 ||
    fail "the build of $preset failed; its first error is above"
}
