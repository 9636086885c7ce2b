"""The memory that a machine takes beyond its guest's RAM.

It is the proportional set size of the machine's processes (pages that several processes map count in parts, so that
the C library is not charged to one of them) without the mapping that is the guest's RAM, plus their page tables. Mapped
files that the guest is booted from are left out, too: they are the host's page cache, whoever reads them.
"""

import pathlib
import re

from errors import BenchError
from load import tree

MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ (\S+) \S+ \S+ (\d+)\s*(.*)")
# Cumulet names the memory file that holds its guest's RAM; QEMU maps it as one anonymous region of just that size.
OUR_RAM = "/memfd:guest-ram"


def guest_ram_kib(text, guest_mib, boot_files=()):
    """Returns (resident KiB of mappings but those of boot files, of guest RAM) of the text of an smaps file."""
    total = ram = 0
    found, inside = False, False
    permissions = name = ""
    for line in text.splitlines():
        match = MAPPING.match(line)
        if match:
            permissions, name = match[1], match[3]
        elif line.startswith("Size:"):
            anonymous = name == "" and permissions == "rw-p" and int(line.split()[1]) >= guest_mib * 1024
            inside = name.startswith(OUR_RAM) or anonymous
            found = found or inside
        elif line.startswith("Pss:") and name not in boot_files:
            kib = int(line.split()[1])
            total += kib
            ram += kib if inside else 0
    return total, ram if found else None


def beyond_guest_ram(pid, guest):
    """Returns the MiB that a process and its descendants take beyond the RAM of their guest."""
    total, rams = 0, []
    boot_files = {str(path.resolve()) for path in (guest.kernel, guest.initrd)}
    for one in tree(pid):
        folder = pathlib.Path(f"/proc/{one}")
        try:
            resident, ram = guest_ram_kib((folder / "smaps").read_text(), guest.memory_mib, boot_files)
            tables = re.search(r"VmPTE:\s+(\d+) kB", (folder / "status").read_text())
        except OSError as error:
            raise BenchError(f"cannot read the memory of process {one}: {error}") from error
        total += resident + (int(tables[1]) if tables else 0)
        if ram is not None:
            rams.append(ram)
    if not rams:
        raise BenchError(f"found no mapping that holds the {guest.memory_mib} MiB of the guest's RAM")
    return (total - sum(rams)) / 1024
