"""Full Debian 12: systemd to multi-user.target, the memory at that point, and power off."""

import debian
from boot_part import Boots, memory_at
from load import Patience
from machines import Guest
from results import Measure

TIMEOUT_S = 200
MARKER = "DEBIAN_UP"
MEMORY_MIB = 2048
APPEND = "console=ttyS0 panic=-1 systemd.unit=bench.target"


def measure(options, machines, kernel, progress, kept):
    """Boots every machine in turn, options.repeats times, into measures that it adds to `kept`."""
    patience = Patience(options.patience)
    initrd = debian.initrd(debian.tree("system", debian.SYSTEM, progress))
    boots = Boots("debian", ("full Debian to multi-user", "full Debian to power off"), MARKER, TIMEOUT_S)
    resident = Measure("debian", "memory beyond RAM at multi-user", "memory_beyond", "MiB", {})
    kept += [*boots.measures, resident]
    for turn in range(options.repeats):
        guest = Guest(kernel, initrd, f"{APPEND} bench=poweroff", MEMORY_MIB)
        progress(f"{turn + 1}/{options.repeats} full Debian: {boots.turn(machines, guest, patience)}")
    guest = Guest(kernel, initrd, f"{APPEND} bench=wait", MEMORY_MIB)
    for machine in machines:
        resident.add(machine.name, memory_at(machine, guest, MARKER, TIMEOUT_S))
