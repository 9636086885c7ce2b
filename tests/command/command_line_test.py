# The cumulet command line: what it prints where, what it returns, and that no daemon is lost, doubled or left behind.
"""Needs CUMULET_PROGRAMS (the folder with cumulet and cumulet-vmm). Each test has a state folder of its own."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

PROGRAM = pathlib.Path(os.environ["CUMULET_PROGRAMS"]) / "cumulet"
ANY_PORT = ("--listen", "127.0.0.1:0")


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="cumulet-cli-", dir="/tmp")) / "state"
        self.addCleanup(shutil.rmtree, self.state.parent)
        self.addCleanup(self.run_command, "down")

    def run_command(self, *arguments, **changes):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CUMULET_"))}
        environment.update({"CUMULET_HOME": str(self.state), "AWS_PAGER": ""}, **changes)
        return subprocess.run([PROGRAM, *arguments], env=environment, capture_output=True, text=True, timeout=120,
                              check=False)

    def succeed(self, *arguments, **changes):
        done = self.run_command(*arguments, **changes)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refuse(self, status, words, *arguments, **changes):
        """The command fails with this status and exactly one line on stderr, which contains the words."""
        done = self.run_command(*arguments, **changes)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("cumulet: "), done.stderr)
        self.assertIn(words, done.stderr)

    def daemon(self):
        return json.loads((self.state / "endpoint.json").read_text())["process_id"]

    def is_daemon_alive(self):
        try:
            return pathlib.Path(f"/proc/{self.daemon()}/stat").read_text().split()[2] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    def test_help_and_version(self):
        self.assertIn("0.", self.succeed("--version"))
        for command in ((), ("up",), ("down",), ("status",), ("env",), ("image",), ("image", "build"), ("vm", "run"),
                        ("completion",)):
            self.assertIn("--help", self.succeed(*command, "--help"))

    def test_command_lines_that_make_no_sense(self):
        self.refuse(2, "bogus", "bogus")
        self.refuse(2, "--bogus", "up", "--bogus")
        self.refuse(2, "--engine", "up", "--engine", "magic")
        self.refuse(1, "ADDRESS:PORT", "up", "--listen", "nowhere")
        self.refuse(1, "12 digits", "up", "--account-id", "1")
        self.refuse(1, "region", "up", "--region", "Mars")
        self.refuse(1, "bash, zsh or fish", "completion", "tcsh")
        self.refuse(1, "too long", "status", CUMULET_HOME="/" + "x" * 100)
        self.assertFalse((self.state / "store.db").exists())

    def test_without_a_daemon(self):
        done = self.run_command("status")
        self.assertEqual(done.returncode, 3)
        self.assertIn("does not run", done.stdout)
        self.refuse(1, "cumulet up", "env")
        self.refuse(1, "cumulet up", "aws", "ec2", "describe-instances")
        self.assertIn("does not run", self.succeed("down"))
        self.assertIn("IMAGE", self.succeed("image", "list") + "IMAGE")

    def test_up_status_env_down(self):
        first = self.succeed("up", *ANY_PORT)
        self.assertEqual(self.succeed("up", *ANY_PORT), first)
        self.assertIn("answers at", self.succeed("status"))
        environment = self.succeed("env")
        for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            self.assertIn(f"export {name}=", environment)
        shell = subprocess.run(["sh", "-ec", environment + "printenv AWS_REGION"], capture_output=True, text=True,
                               check=True)
        self.assertEqual(shell.stdout, "us-east-1\n")
        self.assertIn("is down", self.succeed("down"))
        self.assertFalse(self.is_daemon_alive())
        self.assertIn("does not run", self.succeed("down"))

    def test_settings_are_kept_and_private(self):
        self.succeed("up", *ANY_PORT, "--account-id", "123456789012", "--access-key", "AKIATEST", "--secret-key", "key",
                     "--region", "eu-west-1")
        self.assertEqual((self.state.stat().st_mode & 0o777), 0o700)
        for name in ("settings.json", "store.db", "daemon.log"):
            self.assertEqual((self.state / name).stat().st_mode & 0o777, 0o600, name)
        command_line = pathlib.Path(f"/proc/{self.daemon()}/cmdline").read_bytes()
        self.assertNotIn(b"AKIATEST", command_line)
        self.refuse(1, "cumulet down", "up", "--secret-key", "other")
        self.succeed("down")
        self.refuse(1, "eu-west-1", "up", "--region", "us-east-1")
        self.succeed("up", *ANY_PORT)
        self.assertIn("AKIATEST", self.succeed("env"))
        identity = json.loads(self.succeed("aws", "sts", "get-caller-identity", "--output", "json"))
        self.assertEqual(identity["Account"], "123456789012")

    def test_a_port_in_use_is_a_clear_error(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.refuse(1, str(port), "up", "--listen", f"127.0.0.1:{port}")
        self.succeed("up", "--listen", f"127.0.0.1:{port}")

    def test_many_ups_at_once_make_one_daemon(self):
        results = []
        threads = [threading.Thread(target=lambda: results.append(self.run_command("up", *ANY_PORT)))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([done.stderr for done in results], [""] * 4)
        self.assertEqual(len({done.stdout for done in results}), 1)
        self.succeed("aws", "sts", "get-caller-identity")  # the settings are the daemon's

    def test_a_killed_daemon_is_replaced(self):
        self.succeed("up", *ANY_PORT)
        killed = self.daemon()
        os.kill(killed, signal.SIGKILL)
        for _ in range(1000):
            if not self.is_daemon_alive():
                break
            time.sleep(0.01)
        self.succeed("up", *ANY_PORT)
        self.assertNotEqual(self.daemon(), killed)
        self.assertIn("answers at", self.succeed("status"))

    def test_a_damaged_store_is_a_clear_error(self):
        self.succeed("up", *ANY_PORT)
        self.succeed("down")
        for left in self.state.glob("store.db-*"):
            left.unlink()
        (self.state / "store.db").write_bytes(b"this is not a database" * 1000)
        self.refuse(1, "damaged", "up", *ANY_PORT)
        (self.state / "store.db").unlink()

    def test_the_aws_cli_gets_its_arguments_untouched(self):
        self.succeed("up", *ANY_PORT)
        self.assertIn("aws-cli", self.succeed("aws", "--version"))
        zones = self.succeed("--state-dir", str(self.state), "aws", "ec2", "describe-availability-zones", "--query",
                             "AvailabilityZones[].ZoneName", "--output", "text", CUMULET_HOME="/nowhere")
        self.assertEqual(zones.split(), ["us-east-1a", "us-east-1b", "us-east-1c"])
        self.assertNotEqual(self.run_command("aws", "ec2", "no-such-command").returncode, 0)

    def test_completion_scripts(self):
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("status", self.succeed("completion", shell))


if __name__ == "__main__":
    unittest.main(verbosity=2)
