"""Bytes that no SDK sends: signed by botocore, sent by hand. Each is refused, nothing is stored, nothing crashes."""

import http.client
import socket
import unittest
import xml.etree.ElementTree as ElementTree

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

import support
from support import API, VIEWER, quoted

VERSION = "2020-05-31"
NAMESPACE = f"http://cloudfront.amazonaws.com/doc/{VERSION}/"
BODY_BYTES_MAX = 16 * 1024 * 1024


def batch(inner):
    return f'<InvalidationBatch xmlns="{NAMESPACE}">{inner}</InvalidationBatch>'


GOOD = batch(
    "<Paths><Quantity>1</Quantity><Items><Path>/*</Path></Items></Paths><CallerReference>r</CallerReference>"
)


class BadInput(support.NothingStored):
    def signed(self, method, path, body, headers=None):
        """A request's headers, signed by botocore."""
        request = AWSRequest(method, f"http://{API}{path}", data=body, headers=headers or {})
        SigV4Auth(boto3.Session().get_credentials(), "cloudfront", "us-east-1").add_auth(request)
        return dict(request.headers.items())

    def send(self, status, code, method, path, body=b"", headers=None, signed=None):
        """Sends a request that must be refused so; gives the message."""
        body = body.encode() if isinstance(body, str) else body
        headers = self.signed(method, path, body if signed is None else signed, headers)
        return self.send_as_it_is(status, code, method, path, body, headers)

    def send_as_it_is(self, status, code, method, path, body, headers):
        connection = http.client.HTTPConnection(API, timeout=60)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        self.assertEqual(response.headers["Content-Type"], "text/xml", text)
        error = ElementTree.fromstring(text)
        member = lambda name: error.findtext(f".//{{{NAMESPACE}}}{name}") or error.findtext(f".//{name}")
        self.assertEqual((response.status, member("Code")), (status, code), text)
        self.assertEqual(member("RequestId"), response.headers["x-amzn-RequestId"])
        return member("Message")

    def invalidations(self):
        return f"/{VERSION}/distribution-tenant/{quoted(self.tenant)}/invalidation"

    def test_bodies(self):
        wide = f"<Paths><Items>{'<Path/>' * 500_001}</Items></Paths>"
        quantity = "<Quantity>1</Quantity>"
        for name, body in {
            "empty": "",
            "no XML": "not XML",
            "no UTF-8": b"\xff\xfe" + GOOD.encode(),
            "cut off": GOOD[:-5],
            "more after it": GOOD + GOOD,
            "JSON": '{"Paths": {"Quantity": 1}}',
            "an empty root": "<InvalidationBatch/>",
            "another root": GOOD.replace("InvalidationBatch", "DistributionConfig"),
            "a DTD": f'<!DOCTYPE InvalidationBatch [<!ENTITY a "/*">]>{GOOD}',
            "an entity from outside": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
            + GOOD.replace("/*", "/&x;"),
            "an unknown entity": GOOD.replace("/*", "/&x;"),
            "many elements": batch(wide),
            "no Quantity": GOOD.replace(quantity, ""),
            "a Quantity in words": GOOD.replace(quantity, "<Quantity>one</Quantity>"),
            "a huge Quantity": GOOD.replace(quantity, f"<Quantity>{'9' * 400}</Quantity>"),
            "no CallerReference": GOOD.replace("<CallerReference>r</CallerReference>", ""),
            "no Paths": batch("<CallerReference>r</CallerReference>"),
        }.items():
            with self.subTest(name):
                message = self.send(400, "MalformedXML", "POST", self.invalidations(), body)
                self.assertNotIn("root:", message)

    def test_unknown_members(self):
        deep = "<a>" * 40 + "</a>" * 40
        misspelled = GOOD.replace("CallerReference", "CallerReferenze")
        for body, name in [(batch(deep), "a"), (misspelled, "CallerReferenze")]:
            with self.subTest(name):
                message = self.send(400, "InvalidArgument", "POST", self.invalidations(), body)
                self.assertIn(f"InvalidationBatch.{name}: ", message)

    def test_quantities(self):
        for stated in ["0", "2", "-1"]:
            with self.subTest(stated):
                body = GOOD.replace("<Quantity>1<", f"<Quantity>{stated}<")
                self.send(400, "InconsistentQuantities", "POST", self.invalidations(), body)

    def test_large_bodies(self):
        large = b" " * (BODY_BYTES_MAX + 1)
        self.send(413, "BatchTooLarge", "POST", self.invalidations(), large)
        self.send(413, "RequestEntityTooLarge", "POST", f"/{VERSION}/distribution", large)

    def test_a_control_character(self):
        self.send(400, "InvalidArgument", "POST", self.invalidations(), GOOD.replace("/*", "/a&#x7f;"))

    def test_preconditions(self):
        path = f"/{VERSION}/distribution-tenant/{quoted(self.tenant)}"
        change = f'<UpdateDistributionTenantRequest xmlns="{NAMESPACE}"><Enabled>false</Enabled>'
        change += "</UpdateDistributionTenantRequest>"
        self.send(400, "InvalidIfMatchVersion", "PUT", path, change)
        self.send(400, "InvalidIfMatchVersion", "DELETE", path)
        self.send(412, "PreconditionFailed", "PUT", path, change, {"If-Match": "E0STALESTALEST"})

    def test_queries(self):
        for query in ["MaxItems=many", "MaxItems=", "MaxItems=99999999999999999999"]:
            with self.subTest(query):
                self.send(400, "InvalidArgument", "GET", f"{self.invalidations()}?{query}")

    def test_no_operation(self):
        for method, path in [
            ("GET", "/"),
            ("GET", f"/{VERSION}/nothing"),
            ("PATCH", self.invalidations()),
            ("GET", "/2019-03-26/distribution"),
            ("POST", f"/{VERSION}/distribution-tenant//invalidation/"),
        ]:
            with self.subTest((method, path)):
                self.send(404, "UnknownOperationException", method, path)
        self.send(405, "MethodNotAllowed", "POST", "/healthz")

    def test_signatures(self):
        path = self.invalidations()
        other = GOOD.replace("/*", "/other")
        self.send(403, "SignatureDoesNotMatch", "POST", path, other, signed=GOOD.encode())
        headers = self.signed("POST", path, GOOD.encode())
        moved = path.replace(self.tenant, "dt_other")
        self.send_as_it_is(403, "SignatureDoesNotMatch", "POST", moved, GOOD, headers)
        for authorization, status, code in [
            (None, 403, "MissingAuthenticationToken"),
            ("AWS4-HMAC-SHA256 Credential=a", 400, "IncompleteSignature"),
            ("Basic dXNlcjpwYXNz", 400, "IncompleteSignature"),
        ]:
            with self.subTest(authorization):
                changed = {name: value for name, value in headers.items() if name != "Authorization"}
                if authorization:
                    changed["Authorization"] = authorization
                self.send_as_it_is(status, code, "POST", path, GOOD, changed)
        url = self.client.generate_presigned_url("list_distributions")
        path = url.removeprefix(f"http://{API}")
        self.send_as_it_is(400, "IncompleteSignature", "GET", path, None, {})

    def test_bytes_that_are_no_request(self):
        for address in [API, VIEWER]:
            host, port = address.split(":")
            for sent in [
                b"",
                b"\x00" * 100,
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                b"GET",
                b"GET / HTTP/9.9\r\n\r\n",
                b"GET / HTTP/1.1\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
            ]:
                with self.subTest((address, sent[:40])):
                    with socket.create_connection((host, int(port)), timeout=60) as stream:
                        answer = b""
                        try:
                            stream.sendall(sent)
                            stream.shutdown(socket.SHUT_WR)
                            while data := stream.recv(65_536):
                                answer += data
                        except TimeoutError:
                            raise
                        except OSError:
                            pass  # Turned away in the middle of it.
                    self.assertNotRegex(answer[:20], rb"^HTTP/1.1 [25]")
        self.assertTrue(support.healthy())
        self.assertEqual(support.view("unknown.example", "/")[0], 404)


if __name__ == "__main__":
    unittest.main()
