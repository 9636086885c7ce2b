"""Fetches and unpacks Debian packages without root, with the host's own apt configuration and keys."""

import pathlib
import re
import subprocess


class PackageError(Exception):
    """A package could not be found, fetched or unpacked; the text says which and why."""


def resolve_kernel(meta_package, apt):
    """Returns the kernel package that a meta package such as linux-image-cloud-amd64 depends on."""
    answer = apt.query("depends", "--important", meta_package)
    for line in answer.splitlines():
        match = re.match(r"\s*Depends:\s*(linux-image-\S+)", line)
        if match:
            return match.group(1)
    raise PackageError(f"{meta_package} names no kernel; is a Debian 12 source in /etc/apt?")


class Apt:
    """Runs apt against the system's package lists, or against fresh private ones where those are stale."""

    def __init__(self, work, progress):
        self._work = pathlib.Path(work)
        self._progress = progress
        self._options = []

    def query(self, *arguments):
        """Returns the output of `apt-cache ARGUMENTS`, retrying once with fresh lists."""
        return self._with_fresh_lists(lambda: self._run("apt-cache", *self._options, *arguments))

    def download(self, package):
        """Fetches the package's .deb and returns its path. apt checks its hash against the signed lists."""
        folder = self._work / "download" / package
        folder.mkdir(parents=True, exist_ok=True)

        def fetch():
            # The _apt user may not enter our folder; with no root to give up, that sandbox has no use.
            options = [*self._options, "-o", "APT::Sandbox::User="]
            self._run("apt-get", "--quiet", *options, "download", package, cwd=folder)

        self._with_fresh_lists(fetch)
        found = sorted(folder.glob("*.deb"))
        if len(found) != 1:
            raise PackageError(f"apt fetched {len(found)} files for {package}, not one")
        return found[0]

    def _with_fresh_lists(self, action):
        try:
            return action()
        except PackageError:
            if self._options:
                raise
            self._progress("the system's package lists are missing or stale; fetching fresh ones")
            self._use_private_lists()
            return action()

    def _use_private_lists(self):
        lists, cache = self._work / "lists", self._work / "cache"
        for folder in (lists / "partial", cache / "archives" / "partial"):
            folder.mkdir(parents=True, exist_ok=True)
        options = ["-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={cache}"]
        self._run("apt-get", "--quiet", *options, "-o", "APT::Sandbox::User=", "update")
        self._options = options

    @staticmethod
    def _run(*command, cwd=None):
        try:
            done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=900, check=False)
        except FileNotFoundError as error:
            raise PackageError(f"{command[0]} is not installed; images are made on Debian") from error
        except subprocess.TimeoutExpired as error:
            raise PackageError(f"{command[0]} did not end within 15 minutes") from error
        if done.returncode != 0:
            reason = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
            raise PackageError(f"{' '.join(command)}: {reason}")
        return done.stdout


def unpack(deb, target):
    """Unpacks the files of a .deb below `target`."""
    try:
        subprocess.run(["dpkg-deb", "-x", deb, target], check=True, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        raise PackageError(f"cannot unpack {pathlib.Path(deb).name}: {error}") from error


def version_of(deb):
    """Returns the version field of a .deb."""
    command = ["dpkg-deb", "-f", deb, "Version"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()
