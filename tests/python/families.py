"""The life of each family through boto3: distributions, connection groups, tags, domains, whole distributions' invalidations."""

import unittest
import uuid

import support

ACL = "arn:aws:wafv2:us-east-1:000000000000:global/webacl/a/1"


class Families(support.Case):
    def test_a_distribution_is_copied_changed_and_deleted(self):
        client = self.client
        tags = {"Items": [{"Key": "plan", "Value": "gold"}]}
        both = {"DistributionConfig": support.distribution_config(), "Tags": tags}
        made = client.create_distribution_with_tags(DistributionConfigWithTags=both)
        arn, first = made["Distribution"]["ARN"], made["Distribution"]["Id"]
        self.assertEqual(client.list_tags_for_resource(Resource=arn)["Tags"], tags)
        copied = client.copy_distribution(
            PrimaryDistributionId=first, IfMatch=made["ETag"], CallerReference=str(uuid.uuid4()), Enabled=True
        )
        copy = copied["Distribution"]["Id"]
        often = {"Delay": 0.05, "MaxAttempts": 1_200}
        client.get_waiter("distribution_deployed").wait(Id=copy, WaiterConfig=often)
        listed = client.get_paginator("list_distributions_by_connection_mode")
        pages = listed.paginate(ConnectionMode="tenant-only", PaginationConfig={"PageSize": 1})
        ids = [item["Id"] for page in pages for item in page["DistributionList"].get("Items", [])]
        self.assertTrue({first, copy} <= set(ids), ids)
        self.assertEqual(len(ids), len(set(ids)))

        read = client.get_distribution_config(Id=copy)
        changed = dict(read["DistributionConfig"], Enabled=False, Comment="going")
        self.refused(409, "DistributionNotDisabled", client.delete_distribution, Id=copy, IfMatch=read["ETag"])
        update = {"Id": copy, "DistributionConfig": changed}
        self.refused(412, "PreconditionFailed", client.update_distribution, IfMatch="E0", **update)
        etag = client.update_distribution(IfMatch=read["ETag"], **update)["ETag"]
        self.assertEqual(client.get_distribution(Id=copy)["Distribution"]["DistributionConfig"]["Comment"], "going")
        client.delete_distribution(Id=copy, IfMatch=etag)
        self.refused(404, "NoSuchDistribution", client.get_distribution, Id=copy)

    def test_a_distribution_without_tenants(self):
        client, alias = self.client, f"{self.name}.direct.example"
        config = support.distribution_config(Aliases={"Quantity": 1, "Items": [alias]})
        # Left out, the mode is `direct`.
        del config["ConnectionMode"], config["TenantConfig"]
        config["Origins"]["Items"][0]["OriginPath"] = ""
        made = client.create_distribution(DistributionConfig=config)
        distribution, often = made["Distribution"]["Id"], {"Delay": 0.05, "MaxAttempts": 1_200}
        client.get_waiter("distribution_deployed").wait(Id=distribution, WaiterConfig=often)
        for host in (alias, made["Distribution"]["DomainName"]):
            self.assertEqual(support.view(host, "/")[0], 502, "nobody listens at the origin")
        taken = dict(support.distribution_config(), **{"Aliases": config["Aliases"]})
        del taken["ConnectionMode"], taken["TenantConfig"]
        taken["Origins"]["Items"][0]["OriginPath"] = ""
        self.refused(409, "CNAMEAlreadyExists", client.create_distribution, DistributionConfig=taken)

        batch = support.batch("/a", "/b/*")
        invalidation = client.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)
        found = {"DistributionId": distribution, "Id": invalidation["Invalidation"]["Id"]}
        client.get_waiter("invalidation_completed").wait(WaiterConfig=often, **found)
        pages = client.get_paginator("list_invalidations").paginate(DistributionId=distribution)
        ids = [item["Id"] for page in pages for item in page["InvalidationList"]["Items"]]
        self.assertEqual(ids, [found["Id"]])

        read = client.get_distribution_config(Id=distribution)
        off = dict(read["DistributionConfig"], Enabled=False)
        etag = client.update_distribution(Id=distribution, IfMatch=read["ETag"], DistributionConfig=off)["ETag"]
        client.delete_distribution(Id=distribution, IfMatch=etag)
        self.refused(404, "NoSuchDistribution", client.get_distribution, Id=distribution)

    def test_the_life_of_a_connection_group(self):
        client, name = self.client, f"group-{self.name}"
        made = client.create_connection_group(Name=name, Tags={"Items": [{"Key": "a", "Value": "1"}]})
        group, etag = made["ConnectionGroup"], made["ETag"]
        endpoint = group["RoutingEndpoint"]
        found = client.get_connection_group_by_routing_endpoint(RoutingEndpoint=endpoint)
        self.assertEqual(found["ConnectionGroup"], group)
        pages = client.get_paginator("list_connection_groups").paginate(PaginationConfig={"PageSize": 1})
        names = [item["Name"] for page in pages for item in page["ConnectionGroups"]]
        self.assertTrue({name, "default"} <= set(names), names)

        # Its tenants are not served while it is disabled.
        change = client.update_distribution_tenant
        change(Id=self.tenant, IfMatch=self.etag, ConnectionGroupId=group["Id"])
        self.deployed()
        self.assertEqual(support.view(f"{self.name}.example", "/")[0], 502, "nobody listens at the origin")
        etag = client.update_connection_group(Id=group["Id"], IfMatch=etag, Enabled=False)["ETag"]
        self.in_use(group["Id"], etag)
        support.until(
            "the group is deployed",
            lambda: client.get_connection_group(Identifier=name)["ConnectionGroup"]["Status"] == "Deployed",
        )
        self.assertNotEqual(support.view(f"{self.name}.example", "/")[0], 502)
        tenant = client.get_distribution_tenant(Identifier=self.tenant)
        self.assertTrue(tenant["DistributionTenant"]["Enabled"], "as its caller asked for")

        default = client.get_connection_group(Identifier="default")["ConnectionGroup"]["Id"]
        change(Id=self.tenant, IfMatch=tenant["ETag"], ConnectionGroupId=default)
        client.delete_connection_group(Id=group["Id"], IfMatch=etag)
        self.refused(404, "EntityNotFound", client.get_connection_group, Identifier=name)

    def in_use(self, group, etag):
        delete = self.client.delete_connection_group
        self.refused(409, "CannotDeleteEntityWhileInUse", delete, Id=group, IfMatch=etag)

    def test_a_domain_is_found_verified_and_moved(self):
        client, domain = self.client, f"{self.name}.example"
        self.assertEqual(
            client.get_distribution_tenant_by_domain(Domain=domain)["DistributionTenant"]["Id"], self.tenant
        )
        config = support.tenant_config(self.distribution, f"{self.name}-to")
        other = client.create_distribution_tenant(**config)
        to = {"DistributionTenantId": other["DistributionTenant"]["Id"]}
        conflicts = client.get_paginator("list_domain_conflicts").paginate(
            Domain=domain, DomainControlValidationResource=to
        )
        found = [item["ResourceId"] for page in conflicts for item in page["DomainConflicts"]]
        self.assertEqual(found, [self.tenant])
        move = {"Domain": domain, "TargetResource": to, "IfMatch": other["ETag"]}
        self.refused(400, "IllegalUpdate", client.update_domain_association, **move)
        client.update_distribution_tenant(Id=self.tenant, IfMatch=self.etag, Enabled=False)
        self.assertEqual(client.update_domain_association(**move)["ResourceId"], to["DistributionTenantId"])

    def test_a_web_acl(self):
        client = self.client
        done = client.associate_distribution_tenant_web_acl(
            Id=self.tenant, WebACLArn=ACL, IfMatch=self.etag
        )
        pages = client.get_paginator("list_distribution_tenants_by_customization").paginate(WebACLArn=ACL)
        found = [item["Id"] for page in pages for item in page["DistributionTenantList"]]
        self.assertEqual(found, [self.tenant])
        client.disassociate_distribution_tenant_web_acl(Id=self.tenant, IfMatch=done["ETag"])

    def test_tags(self):
        client = self.client
        arn = client.get_distribution_tenant(Identifier=self.tenant)["DistributionTenant"]["Arn"]
        client.tag_resource(Resource=arn, Tags={"Items": [{"Key": "a", "Value": "1"}, {"Key": "b"}]})
        client.untag_resource(Resource=arn, TagKeys={"Items": ["b"]})
        tags = client.list_tags_for_resource(Resource=arn)["Tags"]
        self.assertEqual(tags, {"Items": [{"Key": "a", "Value": "1"}]})

    def test_the_classic_operations_refuse_a_distribution_with_tenants(self):
        self.refused(
            404,
            "NoSuchDistribution",
            self.client.create_invalidation,
            DistributionId=self.distribution,
            InvalidationBatch=support.batch("/*"),
        )


if __name__ == "__main__":
    unittest.main()
