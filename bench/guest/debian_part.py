"""Full Debian 12: systemd to multi-user.target, the memory at that point, and power off."""

import debian
from boot_part import memory_at, timed
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
    pair = [Measure("debian", name, "debian", "s", {})
            for name in ("full Debian to multi-user", "full Debian to power off")]
    resident = Measure("debian", "memory beyond RAM at multi-user", "memory_beyond", "MiB", {})
    kept += [*pair, resident]
    for turn in range(options.repeats):
        guest = Guest(kernel, initrd, f"{APPEND} bench=poweroff", MEMORY_MIB)
        texts = [timed(machine, guest, MARKER, pair, patience, TIMEOUT_S) for machine in machines]
        progress(f"{turn + 1}/{options.repeats} full Debian: {'; '.join(texts)}")
    guest = Guest(kernel, initrd, f"{APPEND} bench=wait", MEMORY_MIB)
    for machine in machines:
        resident.add(machine.name, memory_at(machine, guest, MARKER, TIMEOUT_S))
