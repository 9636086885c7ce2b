"""The machine-readable result: what a measure is, and the file of one run."""

import dataclasses
import json
import os
import pathlib
import subprocess
import time

from errors import BenchError

FORMAT = 1
MACHINES = ("native", "qemu", "cumulet")
ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass
class Measure:
    """One thing measured in turn on several machines; less is better. The samples of one turn share an index."""

    part: str
    name: str
    group: str
    unit: str
    samples: dict
    foreign: dict = dataclasses.field(default_factory=dict)
    per: str = ""

    def add(self, machine, value, foreign=None):
        """Adds a sample, and how many processors others used meanwhile."""
        self.samples.setdefault(machine, []).append(value)
        if foreign is not None:
            self.foreign.setdefault(machine, []).append(foreign)


@dataclasses.dataclass
class Result:
    """A whole run: where, with what, and its measures."""

    description: dict
    measures: list

    def save(self, path):
        """Writes the file."""
        measures = [dataclasses.asdict(measure) for measure in self.measures]
        content = {"format": FORMAT, "benchmark": "guest", **self.description, "measures": measures}
        partial = path.with_name(f"{path.name}.partial")
        partial.write_text(json.dumps(content, indent=1) + "\n")
        partial.rename(path)


def load(path):
    """Reads a file that save() wrote."""
    try:
        content = json.loads(pathlib.Path(path).read_text())
    except (OSError, ValueError) as error:
        raise BenchError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict) or content.get("benchmark") != "guest":
        raise BenchError(f"{path} is not a result of bench/guest")
    if content.get("format") != FORMAT:
        raise BenchError(f"{path} has format {content.get('format')}; this program reads {FORMAT}")
    try:
        measures = [_measure(fields) for fields in content.pop("measures")]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BenchError(f"{path}: a measure is not as it should be: {error}") from error
    return Result({key: value for key, value in content.items() if key not in ("format", "benchmark")}, measures)


def _measure(fields):
    measure = Measure(**fields)
    for machine, values in measure.samples.items():
        if machine not in MACHINES:
            raise ValueError(f"no machine is called {machine}")
        if not values or not all(isinstance(value, (int, float)) and value > 0 for value in values):
            raise ValueError(f"{measure.name} on {machine} has samples that are not positive numbers")
    return measure


def describe(machines, kernel_digest, arguments):
    """Returns what a result depends on."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "modified": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "host": host(),
        "versions": {machine.name: machine.version() for machine in machines},
        "kernel_sha256": kernel_digest,
        "arguments": arguments,
    }


def host():
    """Returns what the numbers depend on: CPU model, number of CPUs, kernel."""
    model = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": os.uname().release}


def _git(*arguments):
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip() if done.returncode == 0 else "unknown"
