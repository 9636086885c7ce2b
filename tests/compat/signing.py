"""Requests signed by hand, so that every part of them can be wrong: Signature Version 4 in its plainest form."""

import datetime
import hashlib
import hmac
import http.client

from daemon import KEY_ID, REGION, SECRET


def sign(body, host, *, when=None, key_id=KEY_ID, secret=SECRET, region=REGION, service="ec2"):
    """Returns the headers of a signed POST of `body` to '/'."""
    when = when or datetime.datetime.now(datetime.timezone.utc)
    timestamp = when.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{timestamp[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(body).hexdigest()
    canonical = f"POST\n/\n\nhost:{host}\nx-amz-date:{timestamp}\n\nhost;x-amz-date\n{digest}"
    text = f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("AWS4" + secret).encode()
    for part in (timestamp[:8], region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return {"Host": host, "X-Amz-Date": timestamp,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders=host;x-amz-date, "
                             f"Signature={signature}"}


class Connection:
    """One kept-alive connection that posts forms."""

    def __init__(self, port):
        self.host = f"127.0.0.1:{port}"
        self.http = http.client.HTTPConnection(self.host, timeout=30)

    def post(self, body, headers=None, **signing):
        """Returns (status, text). Signs unless headers are given."""
        body = body.encode() if isinstance(body, str) else body
        self.http.request("POST", "/", body, headers if headers is not None else sign(body, self.host, **signing))
        answer = self.http.getresponse()
        return answer.status, answer.read().decode()

    def close(self):
        self.http.close()


def code_of(text):
    """The error code of an answer; an empty string for a success."""
    return text.split("<Code>")[1].split("</Code>")[0] if "<Code>" in text else ""
