"""Real programs with fixed work in the full Debian: natively in a chroot, and in guests that stay up, in turn."""

import contextlib
import re
import time

import debian
from console import Console
from errors import BenchError
from load import Meter, Patience, tree
from machines import Guest
from results import Measure

BOOT_TIMEOUT_S = 200
PROGRAM_TIMEOUT_S = 300
MEMORY_MIB = 2048
MARKER = "DEBIAN_UP"
APPEND = ("console=ttyS0 panic=-1 quiet systemd.show_status=0 systemd.unit=bench.target bench=shell "
          "systemd.mask=serial-getty@ttyS0.service")
CHECKSUM = re.compile(r"CHECKSUM (\S+) (\d+) (\d+)")


def checksum(lines, program):
    """Returns the checksum that a program's output says."""
    for line in lines:
        match = CHECKSUM.search(line)
        if match and match[1] == program:
            return f"{match[2]} of {match[3]} characters"
    raise BenchError(f"{program} printed no checksum: {' / '.join(lines[-3:]) or 'nothing'}")


def prepare(console, boot_timeout_s):
    """Waits for a session, and makes what the programs work on; returns the programs' names."""
    console.expect(MARKER, boot_timeout_s)
    console.ask(f". /{debian.SESSION_FOLDER}/programs.sh; prepare_all", PROGRAM_TIMEOUT_S)
    return console.ask("list_programs", PROGRAM_TIMEOUT_S)


def select(names, pattern):
    """Returns the programs whose names match."""
    try:
        chosen = [name for name in names if re.search(pattern, name)]
    except re.error as error:
        raise BenchError(f"--programs {pattern!r} is not a regular expression: {error}") from error
    if not chosen:
        raise BenchError(f"no program matches --programs {pattern!r}; there are: {' '.join(names)}")
    return chosen


def timed(console, program):
    """Runs a program once; returns (seconds of wall time on the host's clock, others' load, checksum)."""
    meter = Meter(console.pid)
    start = time.monotonic()
    lines = console.ask(f"program {program}", PROGRAM_TIMEOUT_S)
    seconds = time.monotonic() - start
    return seconds, meter.foreign(), checksum(lines, program)


def run_all(consoles, options, progress, kept):
    """Runs every program on every machine in turn; refuses results that differ from the native ones."""
    names = {name: prepare(console, BOOT_TIMEOUT_S) for name, console in consoles.items()}
    chosen = select(names["native"], options.programs)
    measures = {program: Measure("programs", program, "program", "s", {}) for program in chosen}
    kept += measures.values()
    patience, native_checksums = Patience(options.patience), {}
    own = [pid for console in consoles.values() for pid in tree(console.pid)]
    for turn in range(options.program_repeats):
        for program in chosen:
            texts = []
            for name, console in consoles.items():
                patience.wait(own)
                seconds, foreign, found = timed(console, program)
                expected = native_checksums.setdefault(program, found)
                if found != expected:
                    raise BenchError(f"{program} computed {found} on {name}, natively {expected}")
                measures[program].add(name, seconds, foreign)
                texts.append(f"{name} {seconds:.2f} s")
            progress(f"{turn + 1}/{options.program_repeats} {program}: {', '.join(texts)}")


def measure(options, machines, kernel, progress, kept):
    """Starts all sessions and runs the programs in them, into measures that it adds to `kept`."""
    tar = debian.tree("programs", debian.SYSTEM + debian.TOOLS, progress)
    guest = Guest(kernel, debian.initrd(tar), APPEND, MEMORY_MIB)
    with contextlib.ExitStack() as stack:
        consoles = {"native": stack.enter_context(Console("native", debian.native_command(tar)))}
        for machine in machines:
            consoles[machine.name] = stack.enter_context(Console(machine.title, machine.command(guest)))
        run_all(consoles, options, progress, kept)
