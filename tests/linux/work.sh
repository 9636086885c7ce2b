# Deterministic work of an ordinary userspace, and its checksums. Sourced, in the guest and on the host.
# shellcheck shell=sh

work() { # work FOLDER
  seq 1 60000 | sha256sum
  seq 1 40000 | md5sum
  seq 1 40000 | sha512sum
  seq 1 50000 | gzip -6 | gunzip | sha1sum
  seq 1 30000 | bzip2 | bunzip2 | md5sum
  seq 1 30000 | sort -r | md5sum
  seq 1 20000 | awk '{s += $1 / 7; h = (h * 31 + $1) % 1000003} END {printf "%.9f %d\n", s, h}'
  seq 1 20000 | sed 's/1/one/g; s/2$/two/' | md5sum
  seq 1 3000 | xargs -n 50 echo | md5sum
  i=0
  while [ $i -lt 100 ]; do
    i=$((i + 1))
    (echo $i | cat | tr 0-9 a-j)
  done | md5sum
  dd if=/dev/zero bs=64k count=64 2>/dev/null | sha1sum
  seq 1 20000 >"$1/first"
  for _ in 1 2 3; do
    cp "$1/first" "$1/second"
    cmp "$1/first" "$1/second" && tac "$1/second" | md5sum
  done
  seq 1 30000 | grep -c '[13579]$'
  seq 1 5000 | od -x | md5sum
}
