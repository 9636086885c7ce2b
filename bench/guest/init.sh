#!/bin/busybox sh
# The init of the small guest: `bench=` on the kernel's command line says what it does after its first line.
# shellcheck shell=dash
echo INIT_UP
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mount -t tmpfs tmpfs /tmp
export PATH=/bin
what=poweroff
read -r line </proc/cmdline
for word in $line; do
  case $word in bench=*) what=${word#bench=} ;; esac
done
case $what in
  shell)
    busybox stty -echo -onlcr 2>/dev/null
    echo SHELL_UP
    busybox sh
    ;;
  wait) busybox sleep 1000 ;;
esac
busybox poweroff -f
