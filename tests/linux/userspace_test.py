#!/usr/bin/env python3
"""Linux's userspace computes in our guest what it computes on the host: checksums of ordinary work.

With "warm", a second guest does it again with the translations of the first, and has next to nothing to translate.

usage: userspace_test.py CUMULET_VMM IMAGE_FOLDER CPUS [warm]
"""

import hashlib
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "images"))
import cpio_newc  # noqa: E402  (found through the path set above)

TIMEOUT_S = 500
WORKERS = 6
CAPTURE = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "timeout": TIMEOUT_S}


def expected(folder):
    """Returns what work.sh prints on the host, with the same busybox applets."""
    busybox = shutil.which("busybox")
    if busybox is None:
        sys.exit("busybox is not installed on the host")
    listed = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True, timeout=60)
    for name in listed.stdout.split():
        (folder / name).symlink_to(busybox)
    command = [busybox, "sh", "-c", '. "$0"; work "$1"', HERE / "work.sh", folder]
    done = subprocess.run(command, env={"PATH": str(folder)}, check=True, **CAPTURE)
    return done.stdout.decode()


def initramfs(image):
    """Returns the image's initramfs with the test's own files behind it: the kernel unpacks both."""
    archive = cpio_newc.Archive()
    archive.file("userspace_test", (HERE / "init.sh").read_bytes(), 0o755)
    archive.file("work.sh", (HERE / "work.sh").read_bytes())
    return (image / "initrd").read_bytes() + archive.finish()


def run_guest(vmm, image, cpus, folder, arguments):
    """Boots the guest and returns its console."""
    initrd = folder / "initrd"
    initrd.write_bytes(initramfs(image))
    command = [vmm, "run", "--kernel", image / "vmlinuz", "--initrd", initrd, "--engine", "emulated"]
    command += ["--memory", "512", "--cpus", cpus, *arguments]
    command += ["--append", "console=ttyS0 quiet panic=-1 rdinit=/userspace_test"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False, **CAPTURE)
    except subprocess.TimeoutExpired as late:
        console = (late.stdout or b"").decode(errors="replace")
        sys.exit(f"the guest did not end; its console:\n{console[-3000:]}")
    console = done.stdout.decode(errors="replace").replace("\r", "")
    if done.returncode != 0 or "work done" not in console:
        sys.exit(f"the guest failed with {done.returncode}; its console:\n{console[-3000:]}")
    return console


def run_warm(vmm, image, cpus, folder):
    """Boots the guest twice; returns the console of the second, which must find its code translated."""
    cache = folder / "cache"
    arguments = ["--translation-cache", cache]
    run_guest(vmm, image, cpus, folder, arguments)
    kept = (cache / "translations").stat()
    console = run_guest(vmm, image, cpus, folder, arguments)
    # A guest of whose blocks more than 2 % are new puts another file there.
    if (cache / "translations").stat().st_ino != kept.st_ino:
        sys.exit("the second guest translated more than a little")
    return console


def main(vmm, image, cpus, kind=""):
    """Compares guest and host; exits with a message when they differ."""
    with tempfile.TemporaryDirectory(prefix="cumulet-userspace-") as name:
        folder = pathlib.Path(name)
        (folder / "host").mkdir()
        wanted = expected(folder / "host")
        if kind == "warm":
            console = run_warm(vmm, pathlib.Path(image), cpus, folder)
        else:
            console = run_guest(vmm, pathlib.Path(image), cpus, folder, [])
    checksum = hashlib.md5(wanted.encode(), usedforsecurity=False).hexdigest()
    right = console.count(f"worker {checksum}")
    if right != WORKERS:
        sys.exit(f"{right} of {WORKERS} workers agree with the host:\n{wanted}\nthe console:\n{console}")
    print(f"{WORKERS} workers on {cpus} CPUs computed what the host computes")


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__.strip().splitlines()[-1])
    main(*sys.argv[1:])
