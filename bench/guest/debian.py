"""Full Debian 12 trees for the benchmarks: made with mmdebstrap, kept as tar files, turned into initramfs files."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

from errors import BenchError
from small_guest import cache_folder

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "images"))

import cpio_newc  # noqa: E402  (found through the path set above)

SYSTEM = ["systemd-sysv", "dbus"]
TOOLS = ["bzip2", "gawk", "gcc", "git", "libc6-dev", "luajit", "make", "openssl", "python3", "sqlite3", "xz-utils",
         "zstd"]
TIMEOUT_S = 1800
SESSION_FOLDER = "opt/bench"


def tree(name, packages, progress):
    """Returns the tar file of a Debian 12 with these packages beyond the important ones, made unless cached."""
    digest = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:8]
    path = cache_folder() / f"debian-12-{name}-{digest}.tar"
    if path.exists():
        return path
    if shutil.which("mmdebstrap") is None:
        raise BenchError("mmdebstrap is not installed (Debian: mmdebstrap); the full Debian needs it")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.tar")
    progress(f"making a full Debian 12 ({name})")
    command = ["nice", "mmdebstrap", "--quiet", "--variant=important", f"--include={','.join(packages)}", "bookworm"]
    try:
        done = subprocess.run([*command, partial], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        if done.returncode != 0:
            reason = (done.stderr.strip() or "no message").splitlines()[-1]
            raise BenchError(f"mmdebstrap failed: {reason}")
        partial.rename(path)
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"mmdebstrap did not end within {TIMEOUT_S} s") from error
    finally:
        partial.unlink(missing_ok=True)
    return path


def initrd(tar_path):
    """Returns an initramfs of a tree with the benchmark's session added, made unless it is cached."""
    digest = hashlib.sha256(str(tar_path.stat().st_mtime_ns).encode())
    files = sorted((HERE / "debian").iterdir())
    for path in files:
        digest.update(path.name.encode() + path.read_bytes())
    target = tar_path.with_suffix(f".{digest.hexdigest()[:16]}.initrd")
    if target.exists():
        return target
    for old in tar_path.parent.glob(f"{tar_path.stem}.*.initrd"):
        old.unlink()
    partial = target.with_suffix(f".{os.getpid()}.partial")
    with tarfile.open(tar_path) as tar, partial.open("wb") as output:
        archive = cpio_newc.Archive()
        for member in tar:
            _add(archive, tar, member)
            output.write(archive.drain())
        _add_session(archive, files)
        output.write(archive.finish())
    partial.rename(target)
    return target


def _add(archive, tar, member):
    path = member.name.removeprefix("./").rstrip("/")
    if path in ("", ".") or path in ("etc/hostname", "etc/resolv.conf"):
        return
    attributes = {"owner": (member.uid, member.gid), "mtime": int(member.mtime)}
    if member.isdir():
        archive.directory(path, member.mode, **attributes)
    elif member.issym():
        archive.symlink(path, member.linkname, **attributes)
    elif member.islnk():
        # A hard link's target is a path of the archive.
        archive.symlink(path, "/" + member.linkname.removeprefix("./"), **attributes)
    elif member.ischr():
        archive.character_device(path, member.devmajor, member.devminor, member.mode, **attributes)
    elif member.isfile():
        archive.file(path, tar.extractfile(member).read(), member.mode, **attributes)


def _add_session(archive, files):
    archive.file("etc/hostname", b"debian\n")
    # The kernel starts /init of an initramfs.
    archive.symlink("init", "/sbin/init")
    archive.directory(SESSION_FOLDER)
    for path in files:
        unit = path.suffix in (".target", ".service")
        folder = "etc/systemd/system" if unit else SESSION_FOLDER
        archive.file(f"{folder}/{path.name}", path.read_bytes(), 0o644 if unit else 0o755)


def native_command(tar_path):
    """Returns a command that unpacks the tree into a tmpfs of its own, and runs the session in it, on one processor.

    It needs no root: a user namespace gives the right to mount and chroot. The tmpfs ends with the session.
    """
    # A guest has one processor; so has what it is compared with.
    processor = max(os.sched_getaffinity(0))
    script = f"""set -e
      mount -t tmpfs -o size=75% tmpfs /mnt
      tar -xf "$1" -C /mnt --no-same-owner --exclude='./dev/*'
      mkdir -p /mnt/{SESSION_FOLDER}
      cp "$2"/* /mnt/{SESSION_FOLDER}
      mount --rbind /dev /mnt/dev
      mount --rbind /proc /mnt/proc
      exec taskset -c {processor} chroot /mnt /{SESSION_FOLDER}/session.sh"""
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", tar_path, HERE / "debian"]
