"""The tracked files of the repository, read once, for all lints."""

import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
CPP_SUFFIXES = (".h", ".cpp")


class SourceFile:
    """A path relative to the repository and the text of the file."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.splitlines()

    @property
    def is_cpp(self):
        """True for a C++ source or header."""
        return self.path.endswith(CPP_SUFFIXES)

    @property
    def is_unsafe(self):
        """True if the file's name says that dangerous code is allowed in it."""
        return self.path.endswith(("_unsafe.cpp", "_unsafe.h"))

    @property
    def is_script(self):
        """True if the file says what runs it."""
        return self.text.startswith("#!")


def tracked(root=ROOT):
    """Returns the tracked text files below root, sorted by path. Deleted and binary files are left out."""
    names = subprocess.run(["git", "-C", root, "ls-files", "-z"], check=True, capture_output=True, text=True).stdout
    files = []
    for name in sorted(filter(None, names.split("\0"))):
        path = root / name
        if path.is_symlink() or not path.is_file():
            continue
        try:
            files.append(SourceFile(name, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return files
