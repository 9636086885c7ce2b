"""botocore, unmodified, through the life of instances: waiters, paginators, filters, tags, errors."""

import contextlib
import unittest
import urllib.error
import urllib.request

from botocore.exceptions import ClientError

from daemon import ACCOUNT, Daemon, wait_until

NO_INSTANCE = "i-00000000000000fff"


class Botocore(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.close)
        cls.image = cls.daemon.build_image("halting-kernel")
        cls.ec2 = cls.daemon.client()
        cls.addClassCleanup(cls.ec2.close)

    def tearDown(self):
        ids = [i["InstanceId"] for i in self.instances() if i["State"]["Name"] not in ("terminated", "shutting-down")]
        if ids:
            self.ec2.terminate_instances(InstanceIds=ids)
            self.wait("instance_terminated", ids)

    def run_instances(self, count=1, **more):
        options = {"ImageId": self.image, "InstanceType": "t3.nano", "MinCount": count, "MaxCount": count, **more}
        return self.ec2.run_instances(**options)

    def launch(self, count=1, **more):
        ids = [instance["InstanceId"] for instance in self.run_instances(count, **more)["Instances"]]
        self.wait("instance_running", ids)
        return ids

    def wait(self, waiter, ids):
        self.ec2.get_waiter(waiter).wait(InstanceIds=ids, WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    def instances(self, **options):
        reservations = self.ec2.describe_instances(**options)["Reservations"]
        return [instance for reservation in reservations for instance in reservation["Instances"]]

    def expect(self, code, call, **options):
        with self.assertRaises(ClientError) as caught:
            call(**options)
        self.assertEqual(caught.exception.response["Error"]["Code"], code, caught.exception)
        return caught.exception.response

    def test_life_of_an_instance(self):
        answer = self.run_instances(TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "life"}]}])
        self.assertEqual(answer["OwnerId"], ACCOUNT)
        instance = answer["Instances"][0]
        self.assertEqual(instance["State"], {"Code": 0, "Name": "pending"})
        self.assertRegex(instance["InstanceId"], "^i-[0-9a-f]{17}$")
        self.assertRegex(answer["ReservationId"], "^r-[0-9a-f]{17}$")
        ids = [instance["InstanceId"]]
        self.wait("instance_exists", ids)
        self.wait("instance_running", ids)
        self.wait("instance_status_ok", ids)
        self.wait("system_status_ok", ids)
        console = wait_until("the greeting", lambda: self.ec2.get_console_output(InstanceId=ids[0]).get("Output"))
        self.assertIn("halting kernel: hello", console)
        changed = self.ec2.stop_instances(InstanceIds=ids, Force=True)["StoppingInstances"][0]
        self.assertEqual(changed["PreviousState"]["Name"], "running")
        self.assertEqual(changed["CurrentState"]["Name"], "stopping")
        self.wait("instance_stopped", ids)
        stopped = self.instances(InstanceIds=ids)[0]
        self.assertEqual(stopped["StateReason"]["Code"], "Client.UserInitiatedShutdown")
        self.expect("IncorrectInstanceState", self.ec2.reboot_instances, InstanceIds=ids)
        self.ec2.start_instances(InstanceIds=ids)
        self.wait("instance_running", ids)
        self.ec2.reboot_instances(InstanceIds=ids)
        self.ec2.terminate_instances(InstanceIds=ids)
        self.wait("instance_terminated", ids)
        self.ec2.terminate_instances(InstanceIds=ids)
        self.expect("IncorrectInstanceState", self.ec2.start_instances, InstanceIds=ids)
        self.assertEqual(self.instances(InstanceIds=ids)[0]["State"], {"Code": 48, "Name": "terminated"})

    def test_pages_filters_and_tags(self):
        ids = self.launch(3) + self.launch(3)
        pages = list(self.ec2.get_paginator("describe_instances").paginate(
            PaginationConfig={"PageSize": 5}, Filters=[{"Name": "instance-state-name", "Values": ["run*"]}]))
        self.assertEqual(len(pages), 2)
        found = [i["InstanceId"] for page in pages for r in page["Reservations"] for i in r["Instances"]]
        self.assertEqual(sorted(found), sorted(ids))
        self.ec2.create_tags(Resources=ids[:2], Tags=[{"Key": "Rôle", "Value": "<web> & \"db\""}])
        tagged = self.instances(Filters=[{"Name": "tag:Rôle", "Values": ["<web>*"]}])
        self.assertEqual(sorted(i["InstanceId"] for i in tagged), sorted(ids[:2]))
        self.assertEqual(tagged[0]["Tags"], [{"Key": "Rôle", "Value": "<web> & \"db\""}])
        listed = self.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": ids}])["Tags"]
        self.assertEqual({tag["ResourceType"] for tag in listed}, {"instance"})
        self.ec2.delete_tags(Resources=ids[:2], Tags=[{"Key": "Rôle"}])
        self.assertEqual(self.instances(Filters=[{"Name": "tag-key", "Values": ["*"]}, {
            "Name": "instance-id", "Values": ids}]), [])

    def test_idempotency_and_dry_run(self):
        first = self.run_instances(ClientToken="compat-token")
        second = self.run_instances(ClientToken="compat-token")
        self.assertEqual(first["Instances"][0]["InstanceId"], second["Instances"][0]["InstanceId"])
        self.expect("IdempotentParameterMismatch", self.run_instances, ClientToken="compat-token",
                    InstanceType="t3.micro")
        answer = self.expect("DryRunOperation", self.run_instances, DryRun=True)
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 412)

    def test_errors_leave_nothing_behind(self):
        before = len(self.instances())
        self.expect("InvalidAMIID.NotFound", self.run_instances, ImageId="ami-00000000000000000")
        self.expect("InvalidAMIID.Malformed", self.run_instances, ImageId="debian")
        self.expect("InvalidParameterValue", self.run_instances, InstanceType="z9.huge")
        self.expect("InvalidParameterValue", self.run_instances, Placement={"AvailabilityZone": "us-east-1z"})
        self.expect("InvalidKeyPair.NotFound", self.run_instances, KeyName="nobody")
        self.expect("UnsupportedOperation", self.run_instances, UserData="#!/bin/sh\n")
        self.expect("InsufficientInstanceCapacity", self.run_instances, InstanceType="m5.24xlarge"
                    if self.type_exists("m5.24xlarge") else "t3.2xlarge", MinCount=2, MaxCount=2)
        self.assertEqual(len(self.instances()), before)
        self.expect("InvalidInstanceID.NotFound", self.ec2.describe_instances, InstanceIds=[NO_INSTANCE])
        self.expect("InvalidInstanceID.Malformed", self.ec2.stop_instances, InstanceIds=["i-1"])
        self.expect("InvalidParameterValue", self.ec2.describe_instances, Filters=[{"Name": "odd", "Values": ["x"]}])
        self.expect("InvalidNextToken", self.ec2.describe_instances, NextToken="odd")
        self.expect("InvalidParameterValue", self.ec2.describe_instances, MaxResults=4)

    def type_exists(self, name):
        types = self.ec2.describe_instance_types(Filters=[{"Name": "instance-type", "Values": [name]}])
        return bool(types["InstanceTypes"])

    def test_all_or_nothing(self):
        ids = self.launch()
        self.expect("InvalidInstanceID.NotFound", self.ec2.terminate_instances, InstanceIds=[*ids, NO_INSTANCE])
        self.assertEqual(self.instances(InstanceIds=ids)[0]["State"]["Name"], "running")

    def test_an_image_that_is_no_kernel(self):
        image = self.daemon.build_image("no-kernel")
        instance = self.run_instances(ImageId=image)["Instances"][0]["InstanceId"]
        ended = wait_until("the instance ends", lambda: next(
            (i for i in self.instances(InstanceIds=[instance])
             if i["State"]["Name"] in ("terminated", "stopped")), None))
        self.assertEqual(ended["StateReason"]["Code"], "Client.InternalError")  # AWS: client error on launch
        self.assertIn("kernel", ended["StateReason"]["Message"])

    def test_presigned_urls(self):

        url = self.ec2.generate_presigned_url("describe_regions", ExpiresIn=60, HttpMethod="GET")
        with urllib.request.urlopen(url, timeout=30) as answer:
            self.assertIn(b"<regionName>us-east-1</regionName>", answer.read())
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(url.replace("X-Amz-Expires=60", "X-Amz-Expires=61"), timeout=30)
        self.addCleanup(caught.exception.close)
        self.assertEqual(caught.exception.code, 401)

    def test_sts(self):
        with contextlib.closing(self.daemon.client("sts")) as client:
            identity = client.get_caller_identity()
        self.assertEqual(identity["Account"], ACCOUNT)
        self.assertEqual(identity["Arn"], f"arn:aws:iam::{ACCOUNT}:root")


if __name__ == "__main__":
    unittest.main()
