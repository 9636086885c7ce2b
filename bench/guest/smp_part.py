"""Two processors against one: two independent compute loops against one, and boots."""

import contextlib
import subprocess

import rows_part
from boot_part import COMMAND_LINES, MARKER, Boots
from console import Console
from load import Meter, Patience, tree
from machines import Guest
from results import Measure
from summary import LOOPS

LOOPS_TIMEOUT_S = 60
PROCESSORS = {1: "1 processor", 2: "2 processors"}


def loops(count, programs=None, console=None):
    """Runs some loops at once, natively or in a guest; returns nanoseconds per iteration."""
    if console is None:
        done = subprocess.run([programs / "loops", str(count)], capture_output=True, text=True,
                              timeout=LOOPS_TIMEOUT_S, check=False)
        lines = [*done.stdout.splitlines(), *done.stderr.splitlines()]
    else:
        lines = console.ask(f"loops {count}", LOOPS_TIMEOUT_S)
    return rows_part.parse(lines, f"loops_{count}")


def measure_loops(options, machines, kernel, initrd, programs, progress, kept):
    """Measures the throughput of one and of two processors in turn."""
    measures = {count: Measure("smp", name, "smp", "ns", {}, per="iteration") for count, name in LOOPS.items()}
    kept += measures.values()
    patience = Patience(options.patience)
    with contextlib.ExitStack() as stack:
        places = {}
        for count in LOOPS:
            for machine in machines:
                guest = Guest(kernel, initrd, rows_part.APPEND, options.memory, count)
                console = stack.enter_context(Console(machine.title, machine.command(guest)))
                console.expect("SHELL_UP", rows_part.BOOT_TIMEOUT_S)
                places[count, machine.name] = console
        own = [pid for console in places.values() for pid in tree(console.pid)]
        for turn in range(options.repeats):
            texts = []
            for name in ("native", *(machine.name for machine in machines)):
                for count, one in measures.items():
                    patience.wait(own)
                    console = places.get((count, name))
                    meter = Meter(console.pid if console else None)
                    one.add(name, loops(count, programs, console), meter.foreign())
                one, two = (measures[count].samples[name][-1] for count in LOOPS)
                texts.append(f"{name} {one / two:.2f}")
            progress(f"{turn + 1}/{options.repeats} throughput of 2 processors against 1: {', '.join(texts)}")


def measure_boots(options, machines, kernel, initrd, progress, kept):
    """Boots with one and with two processors in turn."""
    boots = {count: Boots("smp", (f"boot to the first line, {text}", f"boot to power off, {text}"), MARKER)
             for count, text in PROCESSORS.items()}
    kept += [measure for one in boots.values() for measure in one.measures]
    patience = Patience(options.patience)
    for turn in range(options.repeats):
        for count, one in boots.items():
            guest = Guest(kernel, initrd, COMMAND_LINES[""], options.memory, count)
            progress(f"{turn + 1}/{options.repeats} boot with {count}: {one.turn(machines, guest, patience)}")


def measure(options, machines, kernel, initrd, programs, progress, kept):
    """Measures both, into measures that it adds to `kept`."""
    measure_loops(options, machines, kernel, initrd, programs, progress, kept)
    measure_boots(options, machines, kernel, initrd, progress, kept)
