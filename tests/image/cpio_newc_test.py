"""Tests of the cpio writer: what it writes, a reader reads back."""

import pathlib
import stat
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "images"))
import cpio_newc  # noqa: E402  (found through the path set above)

HEADER_BYTES = 110


def read(data):
    """Returns [(path, mode, device, content)…] of an archive, the trailer last."""
    entries, at = [], 0
    while at < len(data):
        assert data[at:at + 6] == b"070701", data[at:at + 6]
        fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, device, name_size = fields[1], fields[6], (fields[9], fields[10]), fields[11]
        name = data[at + HEADER_BYTES:at + HEADER_BYTES + name_size]
        assert name.endswith(b"\0")
        at = _align(at + HEADER_BYTES + name_size)
        entries.append((name[:-1].decode(), mode, device, data[at:at + size]))
        at = _align(at + size)
    return entries


def _align(offset):
    return (offset + 3) & ~3


class CpioTest(unittest.TestCase):
    def archive(self):
        archive = cpio_newc.Archive()
        archive.directory("dev")
        archive.character_device("dev/console", 5, 1)
        archive.file("a", b"12345", 0o755)
        archive.symlink("init", "a")
        return archive.finish()

    def test_entries_read_back(self):
        entries = read(self.archive())
        self.assertEqual(
            entries[:-1],
            [("dev", stat.S_IFDIR | 0o755, (0, 0), b""),
             ("dev/console", stat.S_IFCHR | 0o600, (5, 1), b""),
             ("a", stat.S_IFREG | 0o755, (0, 0), b"12345"),
             ("init", stat.S_IFLNK | 0o777, (0, 0), b"a")])
        self.assertEqual(entries[-1][0], "TRAILER!!!")

    def test_same_content_gives_the_same_bytes(self):
        self.assertEqual(self.archive(), self.archive())

    def test_owner_and_time_are_fields(self):
        archive = cpio_newc.Archive()
        archive.file("a", b"1", owner=(1, 42), mtime=0x12345678)
        self.assertEqual([int(archive.finish()[6 + 8 * i:14 + 8 * i], 16) for i in (2, 3, 5)], [1, 42, 0x12345678])

    def test_drained_pieces_are_the_whole(self):
        archive = cpio_newc.Archive()
        archive.directory("dev")
        pieces = archive.drain()
        archive.character_device("dev/console", 5, 1)
        archive.file("a", b"12345", 0o755)
        pieces += archive.drain()
        archive.symlink("init", "a")
        self.assertEqual(pieces + archive.finish(), self.archive())

    def test_length_is_a_multiple_of_four(self):
        self.assertEqual(len(self.archive()) % 4, 0)


if __name__ == "__main__":
    unittest.main()
