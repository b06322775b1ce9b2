"""Invalidations through boto3: what becomes fresh, the waiter, replays and conflicts, pages."""

import unittest

import support
from support import view


class Handler(support.Handler):
    """Answers every path with the current text; paths under /tagged carry tags."""

    def do_GET(self):
        tags = [("Cache-Tag", "winter,sale")] if "/tagged" in self.path else []
        self.answer(self.server.text.encode(), *tags)


class Invalidations(support.Case):
    @classmethod
    def setUpClass(cls):
        cls.origin = support.Origin(Handler)
        cls.origin.text = ""
        cls.origin_port = cls.origin.server_port
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        cls.origin.stop()

    def viewed(self, path):
        status, headers, body = view(f"{self.name}.example", path)
        self.assertEqual(status, 200, body)
        return body, headers["X-Cache"].split()[0]

    def test_what_becomes_fresh(self):
        paths = ["/a", "/ab", "/b/1", "/b/2", "/tagged/1", "/%C3%BC"]
        self.deployed()
        for invalidated, fresh in [
            (["/a"], ["/a"]),
            (["/a?x=1"], ["/a"]),
            (["/b/*"], ["/b/1", "/b/2"]),
            (["/b/2", "/b/2"], ["/b/2"]),
            (["#SALE"], ["/tagged/1"]),
            (["#summer", "/nothing"], []),
            (["/ü"], ["/%C3%BC"]),
            (["/%c3%bc"], ["/%C3%BC"]),
            (["/a*", "#winter"], ["/a", "/ab", "/tagged/1"]),
            (["/*"], paths),
        ]:
            with self.subTest(invalidated):
                self.origin.text = "old"
                self.wait(self.create("/*"))
                self.assertEqual({self.viewed(path) for path in paths}, {("old", "Miss")})
                self.origin.text = "new"
                self.assertEqual({self.viewed(path) for path in paths}, {("old", "Hit")})
                self.wait(self.create(*invalidated))
                seen = {path: self.viewed(path) for path in paths}
                expected = {path: ("new", "Miss") if path in fresh else ("old", "Hit") for path in paths}
                self.assertEqual(seen, expected)

    def test_another_tenants_viewers_notice_nothing(self):
        self.deployed()
        self.origin.text = "old"
        self.assertEqual(self.viewed("/a"), ("old", "Miss"))
        self.origin.text = "new"
        neighbour = self.client.create_distribution_tenant(
            **support.tenant_config(self.distribution, f"{self.name}-neighbour")
        )["DistributionTenant"]["Id"]
        made = self.create("/*", tenant=neighbour)["Invalidation"]["Id"]
        support.until(
            "the neighbour's invalidation completes",
            lambda: self.client.get_invalidation_for_distribution_tenant(
                DistributionTenantId=neighbour, Id=made
            )["Invalidation"]["Status"] == "Completed",
        )
        self.assertEqual(self.viewed("/a"), ("old", "Hit"))

    def test_a_create_is_answered_in_full(self):
        sent = support.batch("/b&<c>", "/a*", "#Sale", "/ü", "/b&<c>")
        made = self.client.create_invalidation_for_distribution_tenant(Id=self.tenant, InvalidationBatch=sent)
        self.assertEqual(made["ResponseMetadata"]["HTTPStatusCode"], 201)
        invalidation = made["Invalidation"]
        self.assertEqual(invalidation["InvalidationBatch"], sent)
        self.assertIn(invalidation["Status"], ["InProgress", "Completed"])
        self.assertEqual(
            made["Location"],
            f"http://{support.API}/2020-05-31/distribution-tenant/{self.tenant}/invalidation/{invalidation['Id']}",
        )
        self.wait(made)
        found = self.client.get_invalidation_for_distribution_tenant(
            DistributionTenantId=self.tenant, Id=invalidation["Id"]
        )["Invalidation"]
        self.assertEqual(found, invalidation | {"Status": "Completed"})

    def test_the_same_reference_again(self):
        first = self.create("/a", "/b*", reference="r")
        again = self.create("/b*", "/a", "/a", reference="r")
        self.assertEqual(again["ResponseMetadata"]["HTTPStatusCode"], 201)
        self.assertEqual(again["Location"], first["Location"])
        for member in ["Id", "CreateTime", "InvalidationBatch"]:
            self.assertEqual(again["Invalidation"][member], first["Invalidation"][member])
        message = self.refused(
            409, "InvalidationBatchAlreadyExists", self.create, "/a", "/b", reference="r"
        )
        self.assertIn("caller reference that was used for a previous invalidation batch", message)
        page = self.client.list_invalidations_for_distribution_tenant(Id=self.tenant)["InvalidationList"]
        self.assertEqual([it["Id"] for it in page["Items"]], [first["Invalidation"]["Id"]])

    def test_pages(self):
        made = [self.create("/a")["Invalidation"]["Id"] for _ in range(5)][::-1]
        paginator = self.client.get_paginator("list_invalidations_for_distribution_tenant")

        def pages(**config):
            found = paginator.paginate(Id=self.tenant, PaginationConfig=config)
            return [[it["Id"] for it in page["InvalidationList"].get("Items", [])] for page in found]

        self.assertEqual(pages(), [made])
        self.assertEqual(pages(PageSize=2), [made[:2], made[2:4], made[4:]])
        self.assertEqual(sum(pages(PageSize=2, MaxItems=3), []), made[:3])
        first = paginator.paginate(Id=self.tenant, PaginationConfig={"MaxItems": 3, "PageSize": 2})
        token = first.build_full_result()["NextToken"]
        self.assertEqual(sum(pages(StartingToken=token), []), made[3:])
        one = self.client.list_invalidations_for_distribution_tenant(Id=self.tenant, MaxItems=1)
        one = one["InvalidationList"]
        self.assertEqual((one["IsTruncated"], one["MaxItems"], one["Quantity"]), (True, 1, 1))
        self.assertEqual(one["NextMarker"], made[0])


if __name__ == "__main__":
    unittest.main()
