"""The rows: each natively, under QEMU and under Cumulet in turn, in guests that stay up over all of them."""

import contextlib
import os
import re
import subprocess

from console import Console
from errors import BenchError
from load import Meter, Patience, tree
from machines import Guest
from results import Measure

BOOT_TIMEOUT_S = 180
ROW_TIMEOUT_S = 180
# What disturbs a sample more than this is taken again, this often at most.
DISTURBED = 0.25
RETRIES = 2
# A guest has one processor: what switches between processes has one natively, too.
ONE_PROCESSOR_GROUPS = ("kernel", "code")
RESULT = re.compile(r"RESULT (\S+) best_ns ([\d.]+) median_ns ([\d.]+) unit (\S+)")
APPEND = "console=ttyS0 panic=-1 quiet bench=shell"


def parse(lines, row):
    """Returns the nanoseconds that a row's output says, None if the processor lacks what it needs."""
    for line in lines:
        match = RESULT.search(line)
        if match and match[1] == row and float(match[2]) > 0:
            return float(match[2])
        if f"SKIPPED {row}:" in line:
            return None
    raise BenchError(f"{row} printed no result: {' / '.join(lines[-3:]) or 'nothing'}")


def listed(programs):
    """Returns [(row, group, unit)…] of the benchmark program."""
    done = subprocess.run([programs / "rows", "-l"], capture_output=True, text=True, timeout=60, check=True)
    return [tuple(line.split()) for line in done.stdout.splitlines()]


def select(rows, pattern):
    """Returns the rows whose names match."""
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise BenchError(f"--rows {pattern!r} is not a regular expression: {error}") from error
    chosen = [row for row in rows if expression.search(row[0])]
    if not chosen:
        raise BenchError(f"no row matches --rows {pattern!r}; there are: {' '.join(row[0] for row in rows)}")
    return chosen


class Native:
    """Runs rows on the host itself."""

    name, pid = "native", None

    def __init__(self, programs):
        self._program = programs / "rows"

    def run(self, row, group):
        """Returns the row's nanoseconds."""
        def one_processor():
            if group in ONE_PROCESSOR_GROUPS:
                os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])

        try:
            done = subprocess.run([self._program, row], capture_output=True, text=True, timeout=ROW_TIMEOUT_S,
                                  check=False, preexec_fn=one_processor)
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"native: {row} did not end within {ROW_TIMEOUT_S} s") from error
        return parse([*done.stdout.splitlines(), *done.stderr.splitlines()], row)


class InGuest:
    """Runs rows in a guest that is up."""

    def __init__(self, name, console):
        self.name = name
        self.pid = console.pid
        self._console = console

    def run(self, row, _group):
        """Returns the row's nanoseconds."""
        return parse(self._console.ask(f"rows {row}", ROW_TIMEOUT_S), row)


def sample(place, row, group, patience, others):
    """Returns (nanoseconds, others' load) of one run, the least disturbed of some."""
    best = None
    for _ in range(1 + RETRIES):
        patience.wait(others)
        meter = Meter(place.pid)
        value = place.run(row, group)
        if value is None:
            return None
        foreign = meter.foreign()
        if best is None or foreign < best[1]:
            best = value, foreign
        if foreign < DISTURBED or patience.ended():
            break
    return best


def measure(options, machines, kernel, initrd, programs, progress, kept):
    """Runs the chosen rows, options.repeats times, into measures that it adds to `kept`."""
    rows = select(listed(programs), options.rows)
    measures = {row: Measure("rows", row, group, "ns", {}, per=unit) for row, group, unit in rows}
    kept += measures.values()
    patience = Patience(options.patience)
    with contextlib.ExitStack() as stack:
        places = [Native(programs)]
        for machine in machines:
            guest = Guest(kernel, initrd, APPEND, options.memory)
            console = stack.enter_context(Console(machine.title, machine.command(guest)))
            console.expect("SHELL_UP", BOOT_TIMEOUT_S)
            places.append(InGuest(machine.name, console))
        own = [pid for place in places if place.pid for pid in tree(place.pid)]
        for turn in range(options.repeats):
            for row, group, _ in rows:
                texts = []
                for place in places:
                    taken = sample(place, row, group, patience, own)
                    if taken is not None:
                        measures[row].add(place.name, *taken)
                        texts.append(f"{place.name} {taken[0]:.2f}")
                progress(f"{turn + 1}/{options.repeats} {row}: {', '.join(texts) or 'not on this processor'}")
