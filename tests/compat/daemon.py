"""A daemon of a test's own, on a free loopback port with a fresh state folder, and clients for it."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import botocore.config
import botocore.session

PROGRAMS = pathlib.Path(os.environ["CUMULET_PROGRAMS"])
RECIPES = pathlib.Path(__file__).resolve().parent / "recipes"
ACCOUNT = "123456789012"
KEY_ID = "AKIACOMPATTESTS00000"
SECRET = "compat/tests/secret+key/0123456789012345"
REGION = "us-east-1"


def wait_until(what, condition, timeout_s=60, interval_s=0.1):
    """Returns the first true value of condition(); an AssertionError with `what` after the timeout."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(interval_s)


class Daemon:
    """Runs `cumulet up --foreground`; close() ends it, and everything it started."""

    def __init__(self):
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="cumulet-compat-"))
        self.environment = dict(os.environ, CUMULET_HOME=str(self.state), CUMULET_IMAGES=str(RECIPES),
                                AWS_PAGER="", AWS_MAX_ATTEMPTS="1", AWS_EC2_METADATA_DISABLED="true")
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE"):
            self.environment.pop(name, None)
        self.log = open(self.state / "test.log", "w+b")
        self.process = subprocess.Popen(
            [str(PROGRAMS / "cumulet"), "up", "--foreground", "--listen", "127.0.0.1:0", "--region", REGION,
             "--account-id", ACCOUNT, "--access-key", KEY_ID, "--secret-key", SECRET, "--memory", "8192",
             "--engine", "emulated", "--stop-grace", "0"],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            wait_until("the daemon answers", self.answers)
        except BaseException:
            self.close()
            raise

    def answers(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            raise AssertionError("the daemon ended: " + self.log.read().decode(errors="replace"))
        try:
            endpoint = json.loads((self.state / "endpoint.json").read_text())
        except (FileNotFoundError, ValueError):
            return False
        self.port = endpoint["port"]
        return self.run("status").returncode == 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments, timeout_s=120):
        return subprocess.run([str(PROGRAMS / "cumulet"), *arguments], env=self.environment, capture_output=True,
                              text=True, timeout=timeout_s, check=False)

    def aws(self, *arguments, timeout_s=120):
        """Runs the stock AWS CLI; returns the finished process."""
        return self.run("aws", *arguments, "--output", "json", timeout_s=timeout_s)

    def build_image(self, recipe):
        """Returns the AMI id."""
        done = self.run("image", "build", recipe)
        if done.returncode != 0:
            raise AssertionError("image build: " + done.stderr)
        return done.stdout.strip()

    def client(self, service="ec2", key_id=KEY_ID, secret=SECRET, region=REGION, token=None):
        """A botocore client that neither retries nor checks parameters, so that the daemon has to."""
        config = botocore.config.Config(retries={"max_attempts": 0}, parameter_validation=False)
        return botocore.session.Session().create_client(
            service, endpoint_url=self.url, region_name=region, aws_access_key_id=key_id,
            aws_secret_access_key=secret, aws_session_token=token, config=config)

    def close(self):
        if self.process.poll() is None:
            self.run("down")
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.state, ignore_errors=True)
