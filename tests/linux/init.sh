#!/bin/busybox sh
# The init of the userspace test: three workers at once, twice, and the checksum of what each printed.
# shellcheck shell=dash
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t tmpfs tmp /tmp
export PATH=/bin
# shellcheck source=/dev/null
. /work.sh
for _ in 1 2; do
  for worker in 1 2 3; do
    mkdir -p /tmp/$worker
    (work /tmp/$worker >/tmp/out.$worker 2>&1) &
  done
  wait
  for worker in 1 2 3; do
    echo "worker $(md5sum </tmp/out.$worker)"
  done
done
echo "the first worker's lines:"
cat /tmp/out.1
echo "work done"
poweroff -f
