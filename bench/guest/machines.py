"""The machines that are compared, QEMU's TCG and Cumulet: their command lines and versions."""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import subprocess
import tempfile

from errors import BenchError

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Names the folder in which translations outlive their machine.
CACHE_OPTION = "--translation-cache"


@dataclasses.dataclass(frozen=True)
class Guest:
    """What a machine is to run."""

    kernel: pathlib.Path
    initrd: pathlib.Path
    append: str
    memory_mib: int = 1024
    cpus: int = 1


class Cumulet:
    """`cumulet vm run`, with the engine under test."""

    name, title = "cumulet", "Cumulet"

    def __init__(self, program, engine, arguments=()):
        self._program = shutil.which(program)
        if self._program is None:
            raise BenchError(f"{program} is not there; run ./dev build first, or name it with --cumulet")
        self._engine = engine
        self._arguments = list(arguments)

    def command(self, guest, *arguments):
        """Returns the command line that runs the guest."""
        sizes = ["--memory", str(guest.memory_mib), "--cpus", str(guest.cpus), "--engine", self._engine]
        files = ["--kernel", str(guest.kernel), "--initrd", str(guest.initrd), "--append", guest.append]
        return [self._program, "vm", "run", *files, *sizes, *self._arguments, *arguments]

    @contextlib.contextmanager
    def empty_cache(self):
        """Yields the arguments that make it keep translations in an empty place, none if it cannot keep them."""
        if CACHE_OPTION not in output([self._program, "vm", "run", "--help"]):
            yield []
            return
        with tempfile.TemporaryDirectory(prefix="cumulet-bench-") as folder:
            yield [CACHE_OPTION, folder]

    def version(self):
        """Returns the version that the program says."""
        return first_line([self._program, "--version"])


class Qemu:
    """QEMU without hardware help: its default machine, without the network card whose ROM takes time to look for."""

    name, title = "qemu", "QEMU TCG"

    def __init__(self, program, arguments=()):
        self._program = shutil.which(program)
        self._arguments = list(arguments)

    def installed(self):
        """True if the program is there."""
        return self._program is not None

    def command(self, guest, *arguments):
        """Returns the command line that runs the guest."""
        machine = ["-accel", "tcg", "-cpu", "max", "-machine", "pc", "-nic", "none", "-no-reboot"]
        console = ["-display", "none", "-monitor", "none", "-serial", "stdio"]
        sizes = ["-m", str(guest.memory_mib), "-smp", str(guest.cpus)]
        files = ["-kernel", str(guest.kernel), "-initrd", str(guest.initrd), "-append", guest.append]
        return [self._program, *machine, *console, *sizes, *files, *self._arguments, *arguments]

    def empty_cache(self):
        """Yields no arguments: it keeps no translations."""
        return contextlib.nullcontext([])

    def version(self):
        """Returns the version that the program says."""
        return first_line([self._program, "--version"])


def first_line(command):
    """Returns the first line that a command prints."""
    return (output(command).splitlines() or ["unknown"])[0]


def output(command):
    """Returns what a command prints."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise BenchError(f"cannot run {os.path.basename(command[0])}: {error}") from error
    return done.stdout
