"""Tests of package fetching with a stand-in for apt: resolution, stale lists, errors."""

import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "images"))
import debian_packages  # noqa: E402  (found through the path set above)


class DebianPackagesTest(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.folder = pathlib.Path(self._folder.name)
        path = os.environ["PATH"]
        self.addCleanup(os.environ.__setitem__, "PATH", path)
        os.environ["PATH"] = f"{self.folder}:{path}"
        self.messages = []
        self.apt = debian_packages.Apt(self.folder / "work", self.messages.append)

    def stand_in(self, name, script):
        """Puts a shell script in front of a program of this name."""
        (self.folder / name).write_text("#!/bin/sh\n" + script)
        (self.folder / name).chmod(0o755)

    def test_kernel_is_the_meta_packages_dependency(self):
        self.stand_in("apt-cache", "echo meta; echo '  Depends: linux-image-6.1.0-1-cloud-amd64'\n")
        self.assertEqual(debian_packages.resolve_kernel("meta", self.apt), "linux-image-6.1.0-1-cloud-amd64")

    def test_meta_package_without_a_kernel_is_an_error(self):
        self.stand_in("apt-cache", "echo meta\n")
        with self.assertRaisesRegex(debian_packages.PackageError, "names no kernel"):
            debian_packages.resolve_kernel("meta", self.apt)

    def test_stale_lists_are_fetched_anew_once(self):
        self.stand_in("apt-get", 'case "$*" in *update*) exit 0;; *lists=*) touch one.deb;; *) exit 100;; esac\n')
        self.assertEqual(self.apt.download("one").name, "one.deb")
        self.assertEqual(len(self.messages), 1)

    def test_error_says_what_apt_said(self):
        self.stand_in("apt-get", "echo 'E: no network' >&2; exit 100\n")
        with self.assertRaisesRegex(debian_packages.PackageError, "no network"):
            self.apt.download("one")

    def test_broken_package_is_an_error(self):
        (self.folder / "broken.deb").write_text("nonsense")
        with self.assertRaisesRegex(debian_packages.PackageError, "cannot unpack broken.deb"):
            debian_packages.unpack(self.folder / "broken.deb", self.folder / "root")


if __name__ == "__main__":
    unittest.main()
