"""Writes an initramfs: a cpio archive in the "newc" format, byte for byte the same for the same content.

Format: Documentation/driver-api/early-userspace/buffer-format.rst of the Linux kernel. Needs no root: owner,
mode and device numbers are just fields here.
"""

import stat


class Archive:
    """A growing archive; entries appear in the order they are added, parents must come first.

    `attributes` are owner, a pair of user and group (root if left out), and mtime in seconds (0 if left out).
    """

    def __init__(self):
        self._chunks = []
        self._inode = 0

    def directory(self, path, mode=0o755, **attributes):
        """Adds a directory. `path` has no leading slash."""
        self._entry(path, stat.S_IFDIR | mode, links=2, **attributes)

    def file(self, path, content, mode=0o644, **attributes):
        """Adds a regular file with these bytes."""
        self._entry(path, stat.S_IFREG | mode, content, **attributes)

    def symlink(self, path, target, **attributes):
        """Adds a symbolic link at `path` that points to `target`."""
        self._entry(path, stat.S_IFLNK | 0o777, target.encode(), **attributes)

    def character_device(self, path, major, minor, mode=0o600, **attributes):
        """Adds a character device node."""
        self._entry(path, stat.S_IFCHR | mode, device=(major, minor), **attributes)

    def drain(self):
        """Returns the bytes since the last call, for archives too large to be kept; finish() gives the rest."""
        chunks, self._chunks = self._chunks, []
        return b"".join(chunks)

    def finish(self):
        """Returns the archive's bytes, trailer included."""
        self._inode = -1
        self._entry("TRAILER!!!", 0)
        return b"".join(self._chunks)

    def _entry(self, path, mode, content=b"", links=1, device=(0, 0), owner=(0, 0), mtime=0):
        self._inode += 1
        name = path.encode() + b"\0"
        fields = [self._inode, mode, *owner, links, mtime, len(content), 0, 0, *device, len(name), 0]
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self._chunks.append(_padded(header + name) + _padded(content))


def _padded(data):
    return data + b"\0" * (-len(data) % 4)
