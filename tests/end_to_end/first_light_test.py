# First light: real guests behind the stock AWS CLI, with daemons and VMMs killed under them.
"""Needs CUMULET_PROGRAMS (the folder with cumulet and cumulet-vmm). Each test has a cloud of its own."""
import os
import pathlib
import signal
import subprocess
import time
import unittest

from cloud import Cloud, process_starts_with, vmm_processes, wait_until

PROGRAMS = pathlib.Path(os.environ["CUMULET_PROGRAMS"])
GREETING = "Welcome to Cumulet"


class FirstLight(unittest.TestCase):
    def setUp(self):
        self.cloud = Cloud(PROGRAMS)
        self.addCleanup(self.cloud.remove)
        self.cloud.up()
        self.cloud.run("image", "build")

    def wait(self, waiter: str, *instance_ids: str):
        self.cloud.ec2("wait", waiter, "--instance-ids", *instance_ids, timeout_s=660)

    def test_life_of_an_instance(self):
        (instance,) = self.cloud.launch()
        self.wait("instance-running", instance)
        console = self.cloud.wait_for_console(instance, GREETING)
        self.assertIn("Linux version 6.1", console)

        self.cloud.ec2("stop-instances", "--instance-ids", instance)
        self.wait("instance-stopped", instance)
        self.assertEqual(vmm_processes(self.cloud.state), [])

        self.cloud.ec2("start-instances", "--instance-ids", instance)
        self.wait("instance-running", instance)
        self.cloud.wait_for_console(instance, GREETING)

        boots = self.cloud.console(instance).count("Linux version")
        self.cloud.ec2("reboot-instances", "--instance-ids", instance)
        wait_until("a second boot on the console",
                   lambda: self.cloud.console(instance).count("Linux version") > boots, 120, 1)
        self.assertEqual(self.cloud.state_of(instance), "running")

        self.cloud.ec2("terminate-instances", "--instance-ids", instance)
        self.wait("instance-terminated", instance)
        self.assertEqual(vmm_processes(self.cloud.state), [])

    def test_one_of_two_is_killed_and_the_other_runs_on(self):
        first, second = self.cloud.launch("--count", "2")
        self.wait("instance-running", first, second)
        for instance in (first, second):
            self.cloud.wait_for_console(instance, GREETING)
        survivor = self.cloud.vmm_of(second)
        os.kill(self.cloud.vmm_of(first), signal.SIGKILL)
        wait_until("the killed one shows as stopped", lambda: self.cloud.state_of(first) == "stopped", 60)
        self.assertTrue(self.cloud.instance(first)["StateReason"]["Code"].startswith("Server."))
        self.assertEqual(self.cloud.state_of(second), "running")
        self.assertTrue(process_starts_with(survivor, "cumulet-vmm"))
        self.cloud.ec2("start-instances", "--instance-ids", first)
        self.wait("instance-running", first)

    def test_daemon_killed_in_the_middle_of_run_instances(self):
        image = self.cloud.image()
        for delay_s in (0.0, 0.3, 0.6, 1.0, 1.5):
            token = f"killed-after-{delay_s}"
            arguments = [str(self.cloud.program), "aws", "ec2", "run-instances", "--image-id", image,
                         "--instance-type", "t3.nano", "--client-token", token]
            environment = dict(os.environ, CUMULET_HOME=str(self.cloud.state), AWS_MAX_ATTEMPTS="1")
            with subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as client:
                time.sleep(delay_s)
                self.cloud.kill_daemon()
                client.wait(60)
            self.cloud.up()
            # A client whose call broke repeats it with its token: there is one instance, whatever was lost.
            (instance,) = self.cloud.launch("--client-token", token)
            self.wait("instance-running", instance)
            with_token = [each for each in self.cloud.instances() if each.get("ClientToken") == token]
            self.assertEqual([each["InstanceId"] for each in with_token], [instance])
            self.cloud.vmm_of(instance)  # exactly one process
            self.cloud.ec2("terminate-instances", "--instance-ids", instance)
        ids = [each["InstanceId"] for each in self.cloud.instances()]
        self.wait("instance-terminated", *ids)

    def test_restarted_daemon_adopts_running_vmms(self):
        (instance,) = self.cloud.launch()
        self.cloud.wait_for_console(instance, GREETING)
        vmm = self.cloud.vmm_of(instance)
        self.cloud.kill_daemon()
        self.cloud.up()
        self.wait("instance-running", instance)
        self.assertEqual(self.cloud.vmm_of(instance), vmm)
        self.assertIn(GREETING, self.cloud.console(instance))


if __name__ == "__main__":
    unittest.main(verbosity=2)
