"""Makes test images in no time: build_image.py RECIPE_FOLDER OUTPUT_FOLDER, recipes halting-kernel and no-kernel."""

import hashlib
import json
import pathlib
import struct
import sys

LOAD_ADDRESS = 0x100000
GREETING = b"halting kernel: hello\r\n"


def halting_code():
    """32-bit code: writes the greeting to COM1 and halts for good (interrupts are off)."""
    code = b"\x66\xba\xf8\x03"  # mov dx, 0x3f8
    for byte in GREETING:
        code += bytes([0xB0, byte, 0xEE])  # mov al, byte; out dx, al
    return code + b"\xfa\xf4\xeb\xfd"  # cli; hlt; jmp to the hlt


def pvh_kernel():
    """An ELF file with a PVH entry point (XEN_ELFNOTE_PHYS32_ENTRY, 18): the least that boots."""
    header_size, program_size, count = 64, 56, 2
    code = halting_code()
    note = struct.pack("<III4sI", 4, 4, 18, b"Xen\0", LOAD_ADDRESS)
    note_offset = header_size + count * program_size
    code_offset = 0x1000
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    elf = ident + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, LOAD_ADDRESS, header_size, 0, 0, header_size, program_size,
                              count, 0, 0, 0)
    elf += struct.pack("<IIQQQQQQ", 1, 7, code_offset, LOAD_ADDRESS, LOAD_ADDRESS, len(code), len(code), 0x1000)
    elf += struct.pack("<IIQQQQQQ", 4, 4, note_offset, 0, 0, len(note), len(note), 4)
    elf += note
    return elf.ljust(code_offset, b"\0") + code


def main(recipe, output):
    name = recipe.name
    kernel = pvh_kernel() if name == "halting-kernel" else b"this is no kernel\n" * 1000
    output.mkdir(parents=True, exist_ok=True)
    (output / "vmlinuz").write_bytes(kernel)
    digest = hashlib.sha256(kernel).hexdigest()
    description = {"format": 1, "name": name, "description": f"test image {name}", "command_line": "",
                   "kernel": {"file": "vmlinuz", "sha256": digest}}
    (output / "image.json").write_text(json.dumps(description))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
