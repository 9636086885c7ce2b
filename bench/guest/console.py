"""A guest's serial console, over the pipes of the process that runs it: lines expected and commands asked."""

import os
import select
import signal
import subprocess
import time

from errors import BenchError

LINES_SHOWN = 12


class Console:
    """A started machine. Every wait has an end; close() kills what is left of it."""

    def __init__(self, title, command):
        self._title = title
        self._buffer = b""
        self._shown = []
        self.started = time.monotonic()
        # A session of its own, so that everything that the command starts can be ended with it.
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, start_new_session=True)

    @property
    def pid(self):
        """The id of the process that was started."""
        return self._process.pid

    def expect(self, marker, timeout_s):
        """Reads up to the line that ends with the marker; returns the lines before it."""
        end, lines = time.monotonic() + timeout_s, []
        while True:
            while b"\n" in self._buffer:
                raw, self._buffer = self._buffer.split(b"\n", 1)
                line = raw.decode(errors="replace").strip()
                if line.endswith(marker):
                    return lines
                lines.append(line)
                self._shown = [*self._shown, line][-LINES_SHOWN:]
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise BenchError(f"{self._title}: no {marker} within {timeout_s:g} s{self._tail()}")
            chunk = os.read(self._process.stdout.fileno(), 65536)
            if not chunk:
                raise BenchError(f"{self._title}: the machine ended before {marker}{self._tail()}")
            self._buffer += chunk

    def ask(self, command, timeout_s):
        """Has the guest's shell run a command; returns the lines that it prints."""
        # The quotes keep the marker out of an echo of what is typed.
        self.send(f'{command}; echo ASKED""_DONE\n')
        return self.expect("ASKED_DONE", timeout_s)

    def send(self, text):
        """Types on the console."""
        try:
            self._process.stdin.write(text.encode())
            self._process.stdin.flush()
        except OSError as error:
            raise BenchError(f"{self._title}: the machine ended{self._tail()}") from error

    def wait(self, timeout_s):
        """Waits for the machine's end, its output read on; returns when that was."""
        end = time.monotonic() + timeout_s
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise BenchError(f"{self._title}: the machine did not power off within {timeout_s:g} s")
            if not os.read(self._process.stdout.fileno(), 65536):
                break
        try:
            status = self._process.wait(timeout=max(1.0, end - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"{self._title}: the process did not end within {timeout_s:g} s") from error
        if status != 0:
            raise BenchError(f"{self._title}: the process ended with status {status}{self._tail()}")
        return time.monotonic()

    def close(self):
        """Ends the machine at once, if it still runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _tail(self):
        lines = [*self._shown, self._buffer.decode(errors="replace").strip()]
        shown = "\n".join(f"    {line}" for line in lines if line)
        return f"; the end of its console:\n{shown}" if shown else "; it printed nothing"
