"""What no good client sends: bad signatures, clocks, forms and HTTP. Each gets an error, and the daemon lives on."""

import contextlib
import datetime
import socket
import unittest

from botocore.exceptions import ClientError

from daemon import Daemon
from signing import Connection, code_of, sign

DESCRIBE = "Action=DescribeRegions&Version=2016-11-15"


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.close)

    def setUp(self):
        self.connection = Connection(self.daemon.port)
        self.addCleanup(self.connection.close)

    def tearDown(self):
        self.assert_alive()

    def assert_alive(self):
        with contextlib.closing(Connection(self.daemon.port)) as connection:
            self.assertEqual(connection.post(DESCRIBE)[0], 200, "the daemon must still answer")

    def expect(self, code, status, body=DESCRIBE, **options):
        actual_status, text = self.connection.post(body, **options)
        self.assertEqual((code_of(text), actual_status), (code, status), text)
        return text

    def raw(self, data):
        """Sends bytes, closes the sending side, and returns all that comes back."""
        with socket.create_connection(("127.0.0.1", self.daemon.port), timeout=30) as connection:
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the daemon may have answered and closed already
            answer = b""
            while True:
                try:
                    part = connection.recv(65536)
                except ConnectionResetError:
                    break
                if not part:
                    break
                answer += part
            return answer.decode(errors="replace")

    def test_signatures(self):
        host = self.connection.host
        headers = sign(DESCRIBE.encode(), host)
        self.expect("AuthFailure", 401, DESCRIBE + "&DryRun=true", headers=headers)
        self.expect("AuthFailure", 401, secret="wrong")
        self.expect("AuthFailure", 401, key_id="AKIANOBODY")
        self.expect("AuthFailure", 401, region="eu-central-1")
        self.expect("AuthFailure", 401, service="s3")
        self.expect("MissingAuthenticationToken", 403, headers={"Host": host})
        self.expect("IncompleteSignature", 400, headers={"Host": host, "Authorization": "AWS4-HMAC-SHA256 x"})
        self.expect("IncompleteSignature", 400, headers={"Host": host, "Authorization": "Basic dXNlcjpwYXNz"})
        sts = "Action=GetCallerIdentity&Version=2011-06-15"
        self.expect("SignatureDoesNotMatch", 403, sts, service="sts", secret="wrong")
        self.expect("InvalidClientTokenId", 403, sts, service="sts", key_id="AKIANOBODY")

    def test_clock_skew(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        for minutes, refused in ((-16, True), (16, True), (-14, False), (14, False)):
            when = now + datetime.timedelta(minutes=minutes)
            if refused:
                self.expect("RequestExpired", 400, when=when)
            else:
                self.expect("", 200, when=when)

    def test_botocore_sees_the_codes(self):
        for options, code in (({"key_id": "AKIANOBODY"}, "AuthFailure"), ({"secret": "wrong"}, "AuthFailure"),
                              ({"token": "session"}, "InvalidClientTokenId")):
            with contextlib.closing(self.daemon.client(**options)) as client:
                with self.assertRaises(ClientError) as caught:
                    client.describe_regions()
            self.assertEqual(caught.exception.response["Error"]["Code"], code)

    def test_forms(self):
        self.expect("MissingAction", 400, "")
        self.expect("MissingAction", 400, "Version=2016-11-15")
        self.expect("InvalidAction", 400, "Action=MakeCoffee&Version=2016-11-15")
        self.expect("NoSuchVersion", 400, "Action=DescribeRegions&Version=1999-01-01")
        self.expect("UnknownParameter", 400, DESCRIBE + "&Colour=red")
        self.expect("UnknownParameter", 400, DESCRIBE + "&RegionName.x=1")
        self.expect("InvalidParameterValue", 400, DESCRIBE + "&DryRun=maybe")
        self.expect("InvalidParameterValue", 400, DESCRIBE + "&Filter.1.Name=nope&Filter.1.Value.1=x")
        self.expect("MalformedQueryString", 400, DESCRIBE + "&a=%zz")
        self.expect("MalformedQueryString", 400, DESCRIBE + "&a=%ff%fe")
        self.expect("MalformedQueryString", 400, DESCRIBE + "&DryRun=true&DryRun=true")
        self.expect("MalformedQueryString", 400, DESCRIBE + "&" + "a." * 50 + "a=1")
        self.expect("MalformedQueryString", 400, DESCRIBE + "&" + "&".join(f"A.{i}=1" for i in range(1, 25000)))
        self.expect("UnsupportedOperation", 400, "Action=CreateVpc&Version=2016-11-15")

    def test_oversized_requests(self):
        answer = self.raw(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 2_000_000)
        self.assertIn("413", answer.split("\r\n")[0])
        self.assertIn("RequestEntityTooLarge", answer)
        answer = self.raw(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 200_000 + b"\r\n\r\n")
        self.assertIn("431", answer.split("\r\n")[0])
        answer = self.raw(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n")
        self.assertIn("400", answer.split("\r\n")[0])

    def test_garbage(self):
        for data in (b"\x00" * 100, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x99" * 200, b"GET\r\n\r\n",
                     b"GET / HTTP/9.9\r\n\r\n", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                     b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", b"\r\n" * 1000):
            answer = self.raw(data)
            self.assertTrue(answer == "" or answer.startswith("HTTP/1.1 4"), (data[:40], answer[:200]))
        self.raw(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nonly this")
        self.raw(b"")

    def test_other_methods_and_paths(self):
        for request in (b"DELETE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                        b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                        b"GET http://x/y HTTP/1.0\r\n\r\n"):
            answer = self.raw(request)
            self.assertTrue(answer.startswith("HTTP/1.1 4"), answer[:200])

    def test_many_idle_connections_do_not_lock_others_out(self):
        idle = [socket.create_connection(("127.0.0.1", self.daemon.port), timeout=30) for _ in range(100)]
        self.assert_alive()
        for connection in idle:
            connection.close()


if __name__ == "__main__":
    unittest.main()
