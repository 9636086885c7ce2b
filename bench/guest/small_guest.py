"""The small guest: Debian's cloud kernel, fetched, and an initramfs of busybox and the benchmark programs."""

import gzip
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

from errors import BenchError

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "images"))

import cpio_newc  # noqa: E402  (found through the path set above)
import debian_packages  # noqa: E402

SOURCES = {
    "rows": ["rows.c", "integer.c", "crypto.c", "floating.c", "vector.c", "memory.c", "kernel.c", "code.c",
             "single.c", "-lz", "-lm"],
    "loops": ["loops.c"],
    "nothing": ["nothing.c", "-nostdlib"],
}
FLAGS = ["-O2", "-static", "-fno-pie", "-no-pie", "-Wall", "-Wextra"]


def cache_folder():
    """Returns the folder where everything that is fetched or built is kept."""
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "cumulet" / "bench"


def write(path, content):
    """Writes a whole file or none."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    partial.rename(path)


def fetch_kernel(progress):
    """Returns Debian's cloud kernel and a static busybox, both fetched with apt unless they are cached."""
    folder = cache_folder() / "guest"
    kernel, busybox = folder / "vmlinuz", folder / "busybox"
    if not (kernel.exists() and busybox.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="cumulet-bench-") as name:
            work = pathlib.Path(name)
            apt = debian_packages.Apt(work, progress)
            for package in (debian_packages.resolve_kernel("linux-image-cloud-amd64", apt), "busybox-static"):
                progress(f"fetching {package}")
                debian_packages.unpack(apt.download(package), work / "root")
            write(busybox, (work / "root" / "bin" / "busybox").read_bytes())
            busybox.chmod(0o755)
            write(kernel, next(iter(sorted((work / "root" / "boot").glob("vmlinuz-*")))).read_bytes())
    return kernel, busybox


def build_programs(progress):
    """Compiles the benchmark programs unless their sources are unchanged; returns the folder with them."""
    sources = sorted((HERE / "programs").iterdir())
    digest = hashlib.sha256("".join(FLAGS).encode())
    for source in sources:
        digest.update(source.read_bytes())
    folder = cache_folder() / f"programs-{digest.hexdigest()[:16]}"
    if folder.exists():
        return folder
    partial = pathlib.Path(f"{folder}.{os.getpid()}.partial")
    partial.mkdir(parents=True)
    for program, arguments in SOURCES.items():
        progress(f"compiling {program}")
        done = subprocess.run(["gcc", *FLAGS, "-o", partial / program, *arguments], cwd=HERE / "programs",
                              capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            raise BenchError(f"gcc cannot build {program} (Debian: build-essential, zlib1g-dev): {done.stderr.strip()}")
    partial.rename(folder)
    return folder


def build_initrd(busybox, programs):
    """Returns the path of an initramfs with busybox, the programs and init.sh; `bench=` selects what it does."""
    archive = cpio_newc.Archive()
    for name in ("bin", "dev", "proc", "sys", "tmp"):
        archive.directory(name)
    archive.character_device("dev/console", 5, 1)
    archive.file("bin/busybox", busybox.read_bytes(), 0o755)
    for program in SOURCES:
        archive.file(f"bin/{program}", (programs / program).read_bytes(), 0o755)
    archive.file("init", (HERE / "init.sh").read_bytes(), 0o755)
    content = gzip.compress(archive.finish(), mtime=0)
    path = cache_folder() / f"initrd-{hashlib.sha256(content).hexdigest()[:16]}.gz"
    if not path.exists():
        write(path, content)
    return path
