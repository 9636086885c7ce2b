"""The stock AWS CLI: its commands, its waiters, and what it prints for errors."""

import json
import unittest

from daemon import ACCOUNT, Daemon, wait_until


class Cli(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.close)
        cls.image = cls.daemon.build_image("halting-kernel")

    def aws(self, *arguments):
        done = self.daemon.aws(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def expect_error(self, code, *arguments):
        done = self.daemon.aws(*arguments)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(f"({code})", done.stderr)

    def state_of(self, instance):
        return self.aws("ec2", "describe-instances", "--instance-ids", instance, "--query",
                        "Reservations[0].Instances[0].State.Name")

    def test_describes(self):
        self.assertEqual(self.aws("sts", "get-caller-identity")["Account"], ACCOUNT)
        self.assertEqual(self.aws("ec2", "describe-regions")["Regions"][0]["RegionName"], "us-east-1")
        zones = self.aws("ec2", "describe-availability-zones")["AvailabilityZones"]
        self.assertEqual([zone["ZoneName"][-1] for zone in zones], ["a", "b", "c"])
        images = self.aws("ec2", "describe-images", "--owners", "self", "--filters", "Name=name,Values=halting-*")
        self.assertEqual(images["Images"][0]["ImageId"], self.image)
        types = self.aws("ec2", "describe-instance-types", "--query", "InstanceTypes[].InstanceType")
        self.assertIn("t3.micro", types)

    def test_waiters_end_by_themselves(self):
        instance = self.aws("ec2", "run-instances", "--image-id", self.image, "--instance-type", "t3.nano",
                            "--tag-specifications", "ResourceType=instance,Tags=[{Key=Name,Value=cli}]",
                            "--query", "Instances[0].InstanceId")
        wait_until("running", lambda: self.state_of(instance) == "running")
        self.aws("ec2", "wait", "instance-running", "--instance-ids", instance)
        self.aws("ec2", "wait", "instance-status-ok", "--instance-ids", instance)
        output = wait_until("the greeting", lambda: self.aws(
            "ec2", "get-console-output", "--instance-id", instance, "--latest").get("Output"))
        self.assertIn("halting kernel: hello", output)
        self.aws("ec2", "terminate-instances", "--instance-ids", instance)
        wait_until("terminated", lambda: self.state_of(instance) == "terminated")
        self.aws("ec2", "wait", "instance-terminated", "--instance-ids", instance)

    def test_errors(self):
        run = ("ec2", "run-instances", "--instance-type", "t3.nano", "--image-id")
        self.expect_error("InvalidAMIID.NotFound", *run, "ami-00000000000000000")
        self.expect_error("DryRunOperation", *run, self.image, "--dry-run")
        self.expect_error("InvalidKeyPair.NotFound", *run, self.image, "--key-name", "mine")
        self.expect_error("UnsupportedOperation", "ec2", "create-vpc", "--cidr-block", "10.0.0.0/16")
        self.expect_error("InvalidInstanceID.Malformed", "ec2", "describe-instances", "--instance-ids", "i-1")


if __name__ == "__main__":
    unittest.main()
