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


def memory_at(machine, guest, marker, timeout_s):
    """Boots once more, to measure without haste; returns the MiB beyond guest RAM at the marker."""
    with machine.empty_cache() as arguments, Console(machine.title, machine.command(guest, *arguments)) as console:
        console.expect(marker, timeout_s)
        return beyond_guest_ram(console.pid, guest)


class Boots:
    """Measures of boots of one kind: to a marker and to the end, and again with the translations of the first kept."""

    def __init__(self, part, names, marker, timeout_s=TIMEOUT_S):
        self._marker, self._timeout_s = marker, timeout_s
        self._cold = [Measure(part, name, part, "s", {}) for name in names]
        self._warm = [Measure(part, f"{name}, warm", part, "s", {}) for name in names]

    @property
    def measures(self):
        """The measures; those of warm boots have no samples where nothing keeps translations."""
        return [*self._cold, *self._warm]

    def turn(self, machines, guest, patience):
        """Boots every machine once, and once more if it kept its translations; returns the times as text."""
        texts, kept_any = [], False
        for machine in machines:
            with machine.empty_cache() as arguments:
                texts.append(f"{machine.name} {self._boot(machine, guest, patience, arguments, self._cold)}")
                if arguments:
                    kept_any = True
                    texts.append(f"warm {self._boot(machine, guest, patience, arguments, self._warm)}")
        if kept_any:
            self._repeat_in_warm()
        return "; ".join(texts)

    def _boot(self, machine, guest, patience, arguments, pair):
        patience.wait()
        marked, ended, foreign = boot(machine, guest, self._marker, self._timeout_s, arguments)
        for measure, value in zip(pair, (marked, ended)):
            measure.add(machine.name, value, foreign)
        return f"{marked:.2f} s, ended {ended:.2f} s"

    def _repeat_in_warm(self):
        # A machine that keeps nothing boots the second time as it did the first.
        for cold, warm in zip(self._cold, self._warm):
            for name, values in cold.samples.items():
                if len(warm.samples.get(name, [])) < len(values):
                    warm.add(name, values[-1])


def measure(options, machines, kernel, initrd, progress, kept):
    """Boots every machine in turn, options.repeats times, into measures that it adds to `kept`."""
    patience = Patience(options.patience)
    boots = {what: Boots("boot", (f"boot to the first line{what}", f"boot to power off{what}"), MARKER)
             for what in COMMAND_LINES}
    resident = Measure("boot", "memory beyond RAM at the first line", "memory_beyond", "MiB", {})
    kept += [*(measure for one in boots.values() for measure in one.measures), resident]
    for turn in range(options.repeats):
        for what, append in COMMAND_LINES.items():
            guest = Guest(kernel, initrd, append, options.memory)
            progress(f"{turn + 1}/{options.repeats} boot{what}: {boots[what].turn(machines, guest, patience)}")
        guest = Guest(kernel, initrd, f"{COMMAND_LINES['']} bench=wait", options.memory)
        for machine in machines:
            resident.add(machine.name, memory_at(machine, guest, MARKER, TIMEOUT_S))
