"""Boots of the small guest: to the first line of userspace and to the machine's end, and the memory at that line."""

import time

from console import Console
from load import Meter, Patience
from machines import Guest
from memory import beyond_guest_ram
from results import Measure

TIMEOUT_S = 300
MARKER = "INIT_UP"
# Debian's cloud images let the kernel talk on the serial console; its other images say `quiet`.
COMMAND_LINES = {"": "console=ttyS0 panic=-1", ", quiet": "console=ttyS0 panic=-1 quiet"}


def boot(machine, guest, marker, timeout_s, arguments=()):
    """Boots once; returns the seconds from the process's start to the marker and to the end, and others' load."""
    meter = Meter()
    with Console(machine.title, machine.command(guest, *arguments)) as console:
        meter.follow(console.pid)
        console.expect(marker, timeout_s)
        marked = time.monotonic() - console.started
        foreign = meter.foreign()
        return marked, console.wait(timeout_s) - console.started, foreign


def memory_at(machine, guest, marker, timeout_s, arguments=()):
    """Boots once more, to measure without haste; returns the MiB beyond guest RAM at the marker."""
    with Console(machine.title, machine.command(guest, *arguments)) as console:
        console.expect(marker, timeout_s)
        return beyond_guest_ram(console.pid, guest)


def timed(machine, guest, marker, pair, patience, timeout_s=TIMEOUT_S, arguments=()):
    """Boots once; adds the two times to a pair of measures."""
    patience.wait()
    marked, ended, foreign = boot(machine, guest, marker, timeout_s, arguments)
    for measure, value in zip(pair, (marked, ended)):
        measure.add(machine.name, value, foreign)
    return f"{machine.name} {marked:.2f} s, ended {ended:.2f} s"


def measure(options, machines, kernel, initrd, progress, kept):
    """Boots every machine in turn, options.repeats times, into measures that it adds to `kept`."""
    patience = Patience(options.patience)
    pairs = {}
    for what in COMMAND_LINES:
        names = (f"boot to the first line{what}", f"boot to power off{what}")
        pairs[what] = [Measure("boot", name, "boot", "s", {}) for name in names]
    resident = Measure("boot", "memory beyond RAM at the first line", "memory_beyond", "MiB", {})
    kept += [*(measure for pair in pairs.values() for measure in pair), resident]
    for turn in range(options.repeats):
        for what, append in COMMAND_LINES.items():
            guest = Guest(kernel, initrd, append, options.memory)
            texts = [timed(machine, guest, MARKER, pairs[what], patience) for machine in machines]
            progress(f"{turn + 1}/{options.repeats} boot{what}: {'; '.join(texts)}")
        guest = Guest(kernel, initrd, f"{COMMAND_LINES['']} bench=wait", options.memory)
        for machine in machines:
            resident.add(machine.name, memory_at(machine, guest, MARKER, TIMEOUT_S))
