"""What the boto3 tests share: a client, things to make with it, and what is asked of a refusal.

The test runner starts `recant serve`, gives this process the environment that `recant env` prints, and
RECANT_VIEWER, where viewers are served. Nothing here sets an endpoint or a key: boto3 finds them as it would for
anybody.
"""

import http.client
import http.server
import json
import os
import threading
import unittest
import urllib.parse
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

API = os.environ["AWS_ENDPOINT_URL_CLOUDFRONT"].removeprefix("http://")
VIEWER = os.environ["RECANT_VIEWER"]
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"

# A refusal must be the first answer, not the last of several.
ONCE = Config(retries={"total_max_attempts": 1})


def client(**options):
    """A client as anybody would make it, except that it does not try again."""
    return boto3.client("cloudfront", config=ONCE.merge(options.pop("config", Config())), **options)


def distribution_config(port=9, **changes):
    """A configuration that is honoured: one origin on this machine, a folder for each tenant."""
    origin = {
        "Id": "site",
        "DomainName": "127.0.0.1",
        "OriginPath": "/{{folder}}",
        "CustomOriginConfig": {"HTTPPort": port, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"},
    }
    config = {
        "CallerReference": str(uuid.uuid4()),
        "Comment": "",
        "Enabled": True,
        "ConnectionMode": "tenant-only",
        "TenantConfig": {
            "ParameterDefinitions": [{"Name": "folder", "Definition": {"StringSchema": {"Required": True}}}]
        },
        "Origins": {"Quantity": 1, "Items": [origin]},
        "CacheTagConfig": {"HeaderName": "Cache-Tag"},
        "DefaultCacheBehavior": {
            "TargetOriginId": "site",
            "ViewerProtocolPolicy": "allow-all",
            "CachePolicyId": CACHING_OPTIMIZED,
        },
    }
    return config | changes


def tenant_config(distribution, name, **changes):
    """A tenant that is honoured: its folder is its name, its domain NAME.example."""
    config = {
        "DistributionId": distribution,
        "Name": name,
        "Domains": [{"Domain": f"{name}.example"}],
        "Parameters": [{"Name": "folder", "Value": name}],
    }
    return config | changes


def batch(*paths, reference=None, quantity=None):
    """An invalidation batch; its reference is new unless one is given."""
    return {
        "Paths": {"Quantity": len(paths) if quantity is None else quantity, "Items": list(paths)},
        "CallerReference": str(uuid.uuid4()) if reference is None else reference,
    }


def until(what, ask, attempts=20_000):
    """Asks until the answer is true. Every question is a request, so no attempt is for nothing."""
    for _ in range(attempts):
        if answer := ask():
            return answer
    raise AssertionError(f"never: {what}")


def view(host, path, method="GET"):
    """Asks the edge as a viewer: status, headers, body."""
    connection = http.client.HTTPConnection(VIEWER, timeout=60)
    try:
        connection.request(method, path, headers={"Host": host})
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def healthy():
    """Whether the process says that it is well."""
    connection = http.client.HTTPConnection(API, timeout=60)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    finally:
        connection.close()


class Origin(http.server.ThreadingHTTPServer):
    """An origin on a free port of this machine; what it answers is its handler's matter."""

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers of an origin: a text with fields of its own."""

    protocol_version = "HTTP/1.1"
    # Head and body in one piece: two would wait for one another (Nagle's algorithm, delayed acknowledgements).
    wbufsize = -1

    def answer(self, body, *fields):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Case(unittest.TestCase):
    """A test with a client, a distribution and a tenant of its own."""

    origin_port = 9

    @classmethod
    def setUpClass(cls):
        cls.client = client()
        made = cls.client.create_distribution(DistributionConfig=distribution_config(cls.origin_port))
        cls.distribution = made["Distribution"]["Id"]

    def setUp(self):
        self.name = f"shop-{uuid.uuid4()}"
        made = self.client.create_distribution_tenant(**tenant_config(self.distribution, self.name))
        self.tenant, self.etag = made["DistributionTenant"]["Id"], made["ETag"]

    def create(self, *paths, tenant=None, **options):
        """Creates an invalidation; gives the whole answer."""
        return self.client.create_invalidation_for_distribution_tenant(
            Id=tenant or self.tenant, InvalidationBatch=batch(*paths, **options)
        )

    def wait(self, made):
        """Waits with the stock waiter, only more often than every 20 seconds."""
        waiter = self.client.get_waiter("invalidation_for_distribution_tenant_completed")
        waiter.wait(
            DistributionTenantId=self.tenant,
            Id=made["Invalidation"]["Id"],
            WaiterConfig={"Delay": 0.05, "MaxAttempts": 1_200},
        )

    def deployed(self):
        """Waits until every edge has the tenant."""
        until(
            "the tenant is deployed",
            lambda: self.client.get_distribution_tenant(Identifier=self.tenant)["DistributionTenant"]["Status"]
            == "Deployed",
        )

    def refused(self, status, code, call, *arguments, **options):
        """Calls what the service must refuse so; gives the message."""
        with self.assertRaises(ClientError) as caught:
            call(*arguments, **options)
        response = caught.exception.response
        got = (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"])
        self.assertEqual(got, (status, code), response["Error"].get("Message"))
        self.assertTrue(response["Error"]["Message"])
        self.assertEqual(len(response["ResponseMetadata"]["RequestId"]), 36)
        return response["Error"]["Message"]

    def stored(self):
        """Everything that can be read of what is stored, but for what edges change by and by."""
        def steady(item):
            return {key: value for key, value in item.items() if key != "Status"}

        def every(operation, key, **options):
            for page in self.client.get_paginator(operation).paginate(**options):
                yield from page.get(key, {}) if isinstance(page.get(key), list) else page[key].get("Items", [])

        tenants = [steady(it) for it in every("list_distribution_tenants", "DistributionTenantList")]
        invalidations = [
            [it["Id"] for it in every(
                "list_invalidations_for_distribution_tenant", "InvalidationList", Id=tenant["Id"]
            )]
            for tenant in tenants
        ]
        distributions = [steady(it) for it in every("list_distributions", "DistributionList")]
        return json.dumps([distributions, tenants, invalidations], default=str)


class NothingStored(Case):
    """Requests that are refused: nothing is stored, nothing has crashed."""

    def setUp(self):
        super().setUp()
        self.before = self.stored()

    def tearDown(self):
        self.assertTrue(healthy())
        self.assertEqual(self.stored(), self.before, "something was stored")


def quoted(text):
    """A text as one segment of a path."""
    return urllib.parse.quote(text, safe="")
