"""Every action of the service models is known: implemented, or refused and in the golden list.

CUMULET_WRITE_GOLDEN=1 rewrites unimplemented_actions.txt; the gap then changes in review only.
"""

import os
import pathlib
import unittest

import botocore.session

from daemon import Daemon
from signing import Connection, code_of

GOLDEN = pathlib.Path(__file__).resolve().parent / "unimplemented_actions.txt"
HEADER = "# Actions of the service models that are not implemented; actions_test.py compares it with the daemon.\n"


class Actions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.close)

    def test_the_golden_list_is_what_the_daemon_refuses(self):
        connection = Connection(self.daemon.port)
        self.addCleanup(connection.close)
        refused = []
        for service in ("ec2", "sts"):
            model = botocore.session.Session().get_service_model(service)
            for name in model.operation_names:
                body = f"Action={name}&Version={model.api_version}"
                status, text = connection.post(body, service=service)
                code = code_of(text)
                self.assertNotEqual(code, "InvalidAction", name)
                self.assertLess(status, 500, f"{name}: {text}")
                if code == "UnsupportedOperation":
                    self.assertIn(f"not available in this cloud: {name}.", text)
                    refused.append(f"{service} {name}")
        text = HEADER + "\n".join(sorted(refused)) + "\n"
        if os.environ.get("CUMULET_WRITE_GOLDEN"):
            GOLDEN.write_text(text)
        self.maxDiff = 2000
        self.assertEqual(text.splitlines(), GOLDEN.read_text().splitlines())


if __name__ == "__main__":
    unittest.main()
