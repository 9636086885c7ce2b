#!/bin/bash
# Says on a terminal that Debian is up, and does what `bench=` on the kernel's command line says: a shell without one.
terminal=${1:-/dev/stdout}
case "$(cat /proc/cmdline)" in
  *bench=poweroff*)
    echo DEBIAN_UP >"$terminal"
    systemctl poweroff
    ;;
  *bench=wait*)
    echo DEBIAN_UP >"$terminal"
    sleep 1000
    ;;
  *)
    # In a guest the shell reads the terminal; in a chroot, whatever it was given.
    if [ -n "${1:-}" ]; then
      exec 0<>"$1" 1>&0 2>&0
      stty -echo -onlcr
    fi
    cd /tmp || exit 1
    export PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin LC_ALL=C TZ=UTC
    echo DEBIAN_UP
    # The prompt would stand before what is printed, and editing would echo what is typed.
    export PS1=
    exec /bin/bash --noediting --norc
    ;;
esac
