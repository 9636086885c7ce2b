# A cloud of a test's own: a daemon with a state folder and a loopback port of its own, driven as a user would.
"""Starts `cumulet` in a fresh state folder, runs the stock AWS CLI against it, and takes it down at the end."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what: str, condition, timeout_s: float = 120, interval_s: float = 0.2):
    """Returns the first true value of condition(); fails with `what` after the timeout."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(interval_s)


def process_starts_with(pid: int, program: str) -> bool:
    """True if process `pid` is alive and its command's file name is `program`."""
    try:
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z" and os.path.basename(command.decode()) == program


def vmm_processes(state: pathlib.Path) -> list[int]:
    """The cumulet-vmm processes that belong to this state folder, found by their command lines."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or not process_starts_with(int(entry.name), "cumulet-vmm"):
            continue
        with contextlib.suppress(OSError):
            if str(state).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return sorted(found)


class Cloud:
    """One cloud. `programs` is the folder of the built programs, `recipes` and images are made by image_build()."""

    def __init__(self, programs: pathlib.Path):
        self.program = programs / "cumulet"
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="cumulet-e2e-"))
        self.port = free_port()

    def run(self, *arguments: str, check: bool = True, timeout_s: float = 300) -> subprocess.CompletedProcess:
        environment = dict(os.environ, CUMULET_HOME=str(self.state), AWS_PAGER="", AWS_MAX_ATTEMPTS="1")
        done = subprocess.run([str(self.program), *arguments], env=environment, capture_output=True, text=True,
                              timeout=timeout_s, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"cumulet {' '.join(arguments)} exited {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def up(self) -> None:
        self.run("up", "--listen", f"127.0.0.1:{self.port}")

    def down(self) -> None:
        self.run("down", check=False)

    def ec2(self, *arguments: str, check: bool = True, timeout_s: float = 300):
        """Runs `aws ec2 …` and returns its JSON answer (the completed process if check is false)."""
        done = self.run("aws", "ec2", *arguments, "--output", "json", check=check, timeout_s=timeout_s)
        if not check:
            return done
        return json.loads(done.stdout) if done.stdout.strip() else None

    def image(self) -> str:
        return self.ec2("describe-images")["Images"][0]["ImageId"]

    def launch(self, *arguments: str) -> list[str]:
        answer = self.ec2("run-instances", "--image-id", self.image(), "--instance-type", "t3.nano", *arguments)
        return [instance["InstanceId"] for instance in answer["Instances"]]

    def instances(self) -> list[dict]:
        reservations = self.ec2("describe-instances")["Reservations"]
        return [instance for reservation in reservations for instance in reservation["Instances"]]

    def instance(self, instance_id: str) -> dict:
        return next(instance for instance in self.instances() if instance["InstanceId"] == instance_id)

    def state_of(self, instance_id: str) -> str:
        return self.instance(instance_id)["State"]["Name"]

    def console(self, instance_id: str) -> str:
        done = self.ec2("get-console-output", "--instance-id", instance_id, "--latest")
        return done.get("Output", "")

    def wait_for_console(self, instance_id: str, text: str, timeout_s: float = 180) -> str:
        return wait_until(f"{text!r} on the console of {instance_id}",
                          lambda: (output := self.console(instance_id)) and text in output and output,
                          timeout_s, interval_s=1)

    def daemon_pid(self) -> int:
        """The daemon's process id, found by who listens (so that no file's word is taken for it)."""
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit() and process_starts_with(int(entry.name), "cumulet"):
                environment = (entry / "environ").read_bytes().split(b"\0")
                if f"CUMULET_HOME={self.state}".encode() in environment:
                    return int(entry.name)
        raise AssertionError("no daemon runs for this state folder")

    def kill_daemon(self) -> None:
        pid = self.daemon_pid()
        os.kill(pid, signal.SIGKILL)
        wait_until("the daemon is gone", lambda: not process_starts_with(pid, "cumulet"), 10, 0.05)

    def vmm_of(self, instance_id: str) -> int:
        pids = [pid for pid in vmm_processes(self.state)
                if instance_id in pathlib.Path(f"/proc/{pid}/cmdline").read_text()]
        if len(pids) != 1:
            raise AssertionError(f"{instance_id} has VMM processes {pids}, not one")
        return pids[0]

    def remove(self) -> None:
        """Takes the cloud down and removes its state; kills what would stay."""
        self.down()
        for pid in vmm_processes(self.state):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.state, ignore_errors=True)
