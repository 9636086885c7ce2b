"""How much of the processors' time other processes took while something was measured."""

import os
import pathlib
import time

QUIET = 0.15
TICKS = os.sysconf("SC_CLK_TCK")


def busy_seconds():
    """Returns the CPU seconds that all processes and the kernel have used."""
    fields = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _, _, irq, softirq = (int(field) for field in fields[:7])
    return (user + nice + system + irq + softirq) / TICKS


def tree(pid):
    """Returns the ids of a process and its descendants."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        for task in pathlib.Path(f"/proc/{one}/task").glob("*/children"):
            try:
                todo += [int(child) for child in task.read_text().split()]
            except OSError:
                continue
    return found


def used_seconds(pids):
    """Returns the CPU seconds that these processes have used, with children that ended."""
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(field) for field in fields[11:15])
    return total / TICKS


class Meter:
    """Measures from its making to foreign(): others' share of one processor."""

    def __init__(self, pid=None):
        self._pid = pid
        self._start, self._busy, self._own = time.monotonic(), busy_seconds(), self._own_seconds()

    def follow(self, pid):
        """Counts a process that was started since as our own."""
        self._pid = pid

    def foreign(self):
        """Returns how many processors others kept busy on average."""
        seconds = max(0.01, time.monotonic() - self._start)
        others = busy_seconds() - self._busy - (self._own_seconds() - self._own)
        return round(max(0.0, others / seconds), 3)

    def _own_seconds(self):
        return used_seconds([os.getpid(), *(tree(self._pid) if self._pid else [])])


class Patience:
    """Waits for a quiet machine, all waits together no longer than a number of seconds."""

    def __init__(self, seconds):
        self._left = seconds

    def ended(self):
        """True once all the seconds are used up."""
        return self._left <= 0

    def wait(self, own_pids=()):
        """Returns when others are quiet, or when patience has ended."""
        while self._left > 0:
            busy, own = busy_seconds(), used_seconds(own_pids)
            time.sleep(0.2)
            self._left -= 0.2
            if (busy_seconds() - busy) - (used_seconds(own_pids) - own) < QUIET * 0.2:
                return
