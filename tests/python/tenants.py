"""Distributions and tenants through boto3: made, found, listed, changed under If-Match, deleted."""

import unittest

import support


class Tenants(support.Case):
    def found(self, identifier):
        return self.client.get_distribution_tenant(Identifier=identifier)

    def test_found_by_id_name_and_arn(self):
        by_id = self.found(self.tenant)
        arn = by_id["DistributionTenant"]["Arn"]
        self.assertTrue(arn.startswith("arn:aws:cloudfront::") and arn.endswith(self.tenant), arn)
        for identifier in [self.tenant, self.name, arn]:
            found = self.found(identifier)
            self.assertEqual((found["DistributionTenant"]["Id"], found["ETag"]), (self.tenant, self.etag))

    def test_a_create_is_answered_in_full(self):
        tags = {"Items": [{"Key": "plan", "Value": "gold"}]}
        config = support.tenant_config(self.distribution, f"{self.name}-b", Enabled=False, Tags=tags)
        made = self.client.create_distribution_tenant(**config)
        self.assertEqual(made["ResponseMetadata"]["HTTPStatusCode"], 201)
        tenant = made["DistributionTenant"]
        for member in ["DistributionId", "Name", "Parameters", "Tags", "Enabled"]:
            self.assertEqual(tenant[member], config[member])
        self.assertEqual(tenant["Domains"], [{"Domain": f"{self.name}-b.example", "Status": "active"}])

    def test_a_change_needs_the_current_entity_tag(self):
        change = self.client.update_distribution_tenant
        domains = [{"Domain": f"{self.name}.example"}, {"Domain": f"*.{self.name}.example"}]
        made = change(Id=self.tenant, IfMatch=self.etag, Domains=domains)
        self.assertNotEqual(made["ETag"], self.etag)
        tenant = made["DistributionTenant"]
        self.assertEqual([it["Domain"] for it in tenant["Domains"]], [it["Domain"] for it in domains])
        self.assertEqual(tenant["Parameters"], [{"Name": "folder", "Value": self.name}], "it was not named")
        self.assertEqual(self.found(self.tenant)["ETag"], made["ETag"])
        self.refused(412, "PreconditionFailed", change, Id=self.tenant, IfMatch=self.etag, Enabled=False)
        self.assertTrue(self.found(self.tenant)["DistributionTenant"]["Enabled"])

    def test_a_tenant_is_disabled_before_it_is_deleted(self):
        delete = self.client.delete_distribution_tenant
        self.refused(409, "ResourceNotDisabled", delete, Id=self.tenant, IfMatch=self.etag)
        changed = self.client.update_distribution_tenant(Id=self.tenant, IfMatch=self.etag, Enabled=False)
        self.refused(412, "PreconditionFailed", delete, Id=self.tenant, IfMatch=self.etag)
        made = self.create("/a", reference="r")["Invalidation"]["Id"]
        gone = delete(Id=self.tenant, IfMatch=changed["ETag"])
        self.assertEqual(gone["ResponseMetadata"]["HTTPStatusCode"], 204)
        for identifier in [self.tenant, self.name]:
            self.refused(404, "EntityNotFound", self.found, identifier)
        self.refused(404, "EntityNotFound", self.create, "/a")

        # Made again it is another tenant: it inherits no invalidation and no reference.
        again = self.client.create_distribution_tenant(**support.tenant_config(self.distribution, self.name))
        again = again["DistributionTenant"]["Id"]
        self.assertNotEqual(again, self.tenant)
        page = self.client.list_invalidations_for_distribution_tenant(Id=again)["InvalidationList"]
        self.assertEqual(page["Quantity"], 0)
        self.assertNotEqual(self.create("/b", reference="r", tenant=again)["Invalidation"]["Id"], made)

    def test_viewers_follow(self):
        def status(host):
            return support.view(host, "/")[0]

        # Nobody listens on the origin's port: whoever is let in gets 502.
        self.deployed()
        old, new = f"{self.name}.example", f"{self.name}-new.example"
        self.assertEqual((status(old), status(new)), (502, 404))
        changed = self.client.update_distribution_tenant(
            Id=self.tenant, IfMatch=self.etag, Domains=[{"Domain": new}]
        )
        self.deployed()
        self.assertEqual((status(old), status(new)), (404, 502))
        self.client.update_distribution_tenant(Id=self.tenant, IfMatch=changed["ETag"], Enabled=False)
        self.deployed()
        self.assertEqual(status(new), 403)

    def test_pages_of_tenants(self):
        made = self.client.create_distribution(DistributionConfig=support.distribution_config())
        distribution = made["Distribution"]["Id"]
        names = {f"{self.name}-{n}" for n in range(5)}
        for name in names:
            self.client.create_distribution_tenant(**support.tenant_config(distribution, name))
        pages = self.client.get_paginator("list_distribution_tenants").paginate(
            AssociationFilter={"DistributionId": distribution}, PaginationConfig={"PageSize": 2}
        )
        listed = [[it["Name"] for it in page["DistributionTenantList"]] for page in pages]
        self.assertEqual([len(page) for page in listed], [2, 2, 1])
        self.assertEqual(set(sum(listed, [])), names)

    def test_distributions(self):
        made = self.client.create_distribution(DistributionConfig=support.distribution_config())
        id = made["Distribution"]["Id"]
        self.assertEqual(made["ResponseMetadata"]["HTTPStatusCode"], 201)
        self.assertEqual(made["Location"], f"http://{support.API}/2020-05-31/distribution/{id}")
        self.client.get_waiter("distribution_deployed").wait(Id=id, WaiterConfig={"Delay": 0.05, "MaxAttempts": 1_200})
        found = self.client.get_distribution(Id=id)
        self.assertEqual(found["ETag"], made["ETag"])
        config = found["Distribution"]["DistributionConfig"]
        self.assertEqual(config, made["Distribution"]["DistributionConfig"])
        pages = self.client.get_paginator("list_distributions").paginate(PaginationConfig={"PageSize": 1})
        listed = [it["Id"] for page in pages for it in page["DistributionList"].get("Items", [])]
        self.assertIn(id, listed)
        self.assertEqual(len(listed), len(set(listed)))


if __name__ == "__main__":
    unittest.main()
