#!/usr/bin/env python3
"""Boots the default image in QEMU without hardware help: greeting, shell, and shutdown by the power button.

usage: boot_in_qemu.py IMAGE_FOLDER
"""

import json
import pathlib
import select
import subprocess
import sys
import time

TIMEOUT_S = 120


class Console:
    """The serial console of a guest, over the pipes of its QEMU."""

    def __init__(self, process):
        self._process = process
        self._end = time.monotonic() + TIMEOUT_S
        self.text = ""

    def expect(self, wanted):
        """Reads until the text is there; fails when the guest ends or the time is over."""
        while wanted not in self.text:
            left = self._end - time.monotonic()
            ready, _, _ = select.select([self._process.stdout], [], [], max(left, 0))
            chunk = self._process.stdout.read1(4096) if ready else b""
            if not chunk:
                sys.exit(f"no {wanted!r} on the console; its end:\n{self.text[-2000:]}")
            self.text += chunk.decode(errors="replace")

    def send(self, text):
        """Types on the console. Ctrl-A is QEMU's own escape key."""
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()


def main(folder):
    """Runs the boot; exits with a message on failure."""
    image = json.loads((folder / "image.json").read_text())
    process = subprocess.Popen(
        ["qemu-system-x86_64", "-accel", "tcg", "-m", "256", "-nic", "none", "-nographic", "-no-reboot", "-kernel",
         folder / "vmlinuz", "-initrd", folder / "initrd", "-append", image["command_line"]],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        console = Console(process)
        console.expect(f"Welcome to Cumulet: Debian kernel {image['kernel_version']}, up ")
        # The shell's answer, not the echo of what was typed.
        console.send("echo answer $((6 * 7)); until pidof acpid; do usleep 100000; done; echo acpid is $((1)) up\n")
        console.expect("answer 42")
        console.expect("acpid is 1 up")
        console.send("\x01c")
        console.expect("(qemu)")
        console.send("system_powerdown\n\x01c")
        console.expect("reboot: Power down")
        process.wait(timeout=30)
    finally:
        process.kill()
        process.wait()
    print("greeting, shell and power button work")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip().splitlines()[-1])
    main(pathlib.Path(sys.argv[1]))
