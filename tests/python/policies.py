"""Policies and cache behaviors through boto3: made, named by a distribution, seen by a viewer, changed, removed."""

import http.client
import json
import unittest
import uuid

import support


class Handler(support.Handler):
    """Answers every path with what it was asked."""

    def do_GET(self):
        asked = {"path": self.path, "headers": {name.lower(): value for name, value in self.headers.items()}}
        self.answer(json.dumps(asked).encode(), ("X-Powered-By", "tests"))


def listed(*names):
    return {"Quantity": len(names), "Items": list(names)}


def cache_policy(name, *query):
    return {
        "Name": name,
        "MinTTL": 0,
        "DefaultTTL": 60,
        "MaxTTL": 600,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": False,
            "HeadersConfig": {"HeaderBehavior": "none"},
            "CookiesConfig": {"CookieBehavior": "none"},
            "QueryStringsConfig": {"QueryStringBehavior": "whitelist", "QueryStrings": listed(*query)},
        },
    }


def origin_request_policy(name, *headers):
    return {
        "Name": name,
        "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": listed(*headers)},
        "CookiesConfig": {"CookieBehavior": "none"},
        "QueryStringsConfig": {"QueryStringBehavior": "none"},
    }


def response_headers_policy(name, value):
    return {
        "Name": name,
        "CustomHeadersConfig": listed({"Header": "X-Told", "Value": value, "Override": True}),
        "RemoveHeadersConfig": listed({"Header": "X-Powered-By"}),
    }


class Policies(support.Case):
    @classmethod
    def setUpClass(cls):
        cls.origin = support.Origin(Handler)
        cls.origin_port = cls.origin.server_port
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        cls.origin.stop()

    def viewed(self, path, **headers):
        """What a viewer gets: fields, and what the origin was asked."""
        connection = http.client.HTTPConnection(support.VIEWER, timeout=60)
        try:
            connection.request("GET", path, headers={"Host": f"{self.name}.example"} | headers)
            response = connection.getresponse()
            body = response.read().decode()
            self.assertEqual(response.status, 200, body)
            return response.headers, json.loads(body)
        finally:
            connection.close()

    def is_hit(self, path):
        return self.viewed(path)[0]["X-Cache"].startswith("Hit")

    def settled(self):
        """Waits until every edge has the distribution."""
        support.until(
            "the distribution is deployed",
            lambda: self.client.get_distribution(Id=self.distribution)["Distribution"]["Status"] == "Deployed",
        )

    def behave(self, **members):
        """Gives the distribution a behavior for /p/*."""
        current = self.client.get_distribution_config(Id=self.distribution)
        behavior = {"PathPattern": "/p/*", "TargetOriginId": "site", "ViewerProtocolPolicy": "allow-all"}
        config = current["DistributionConfig"]
        config["CacheBehaviors"] = listed(behavior | members) if members else listed()
        self.client.update_distribution(
            Id=self.distribution, IfMatch=current["ETag"], DistributionConfig=config
        )
        self.settled()

    def test_the_life_of_policies(self):
        name = f"p-{uuid.uuid4()}"
        cache = self.client.create_cache_policy(CachePolicyConfig=cache_policy(name, "id"))
        origin = self.client.create_origin_request_policy(
            OriginRequestPolicyConfig=origin_request_policy(name, "User-Agent", "CloudFront-Forwarded-Proto")
        )
        response = self.client.create_response_headers_policy(
            ResponseHeadersPolicyConfig=response_headers_policy(name, "one")
        )
        ids = [
            cache["CachePolicy"]["Id"],
            origin["OriginRequestPolicy"]["Id"],
            response["ResponseHeadersPolicy"]["Id"],
        ]
        self.behave(CachePolicyId=ids[0], OriginRequestPolicyId=ids[1], ResponseHeadersPolicyId=ids[2])
        self.deployed()

        headers, asked = self.viewed("/p/a?x=1&id=1", **{"User-Agent": "me"})
        self.assertEqual((headers["X-Told"], headers["X-Powered-By"]), ("one", None))
        self.assertEqual(asked["path"], f"/{self.name}/p/a?id=1")
        told = asked["headers"]
        self.assertEqual((told["user-agent"], told["cloudfront-forwarded-proto"]), ("me", "http"))
        self.assertTrue(self.is_hit("/p/a?id=1&x=2"))
        self.assertFalse(self.is_hit("/p/a?id=2"))
        # Another path has the default behavior.
        headers, asked = self.viewed("/a?id=1")
        self.assertEqual((headers["X-Told"], headers["X-Powered-By"]), (None, "tests"))
        self.assertEqual(asked["path"], f"/{self.name}/a")

        # A change reaches viewers without a change of the distribution, and serves nothing of before.
        changed = self.client.update_cache_policy(
            Id=ids[0], IfMatch=cache["ETag"], CachePolicyConfig=cache_policy(name, "id", "x")
        )
        told = self.client.update_response_headers_policy(
            Id=ids[2], IfMatch=response["ETag"], ResponseHeadersPolicyConfig=response_headers_policy(name, "two")
        )
        self.settled()
        headers, asked = self.viewed("/p/a?id=1&x=2")
        self.assertEqual((headers["X-Told"], asked["path"]), ("two", f"/{self.name}/p/a?id=1&x=2"))
        self.assertFalse(self.is_hit("/p/a?id=1&x=3"))

        self.refused(
            409, "CachePolicyInUse", self.client.delete_cache_policy, Id=ids[0], IfMatch=changed["ETag"]
        )
        self.behave()
        self.client.delete_cache_policy(Id=ids[0], IfMatch=changed["ETag"])
        self.client.delete_origin_request_policy(Id=ids[1], IfMatch=origin["ETag"])
        self.client.delete_response_headers_policy(Id=ids[2], IfMatch=told["ETag"])
        self.refused(404, "NoSuchCachePolicy", self.client.get_cache_policy, Id=ids[0])

    def test_managed_policies_by_type(self):
        managed = self.client.list_cache_policies(Type="managed")["CachePolicyList"]["Items"]
        found = {it["CachePolicy"]["Id"]: it["CachePolicy"]["CachePolicyConfig"] for it in managed}
        self.assertEqual(found[support.CACHING_OPTIMIZED]["Name"], "Managed-CachingOptimized")
        etag = self.client.get_cache_policy(Id=support.CACHING_OPTIMIZED)["ETag"]
        self.refused(
            400, "IllegalDelete", self.client.delete_cache_policy, Id=support.CACHING_OPTIMIZED, IfMatch=etag
        )


if __name__ == "__main__":
    unittest.main()
