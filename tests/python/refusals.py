"""What the service refuses, with its code and status as boto3's ClientError shows them."""

import datetime
import unittest
from unittest import mock

import boto3
import botocore.auth
from botocore import UNSIGNED
from botocore.config import Config

import support
from support import batch, distribution_config, tenant_config


class Invalidations(support.NothingStored):
    def test_paths(self):
        message = self.refused(400, "InvalidArgument", self.create, "/good", "no-slash", "/a*b")
        self.assertTrue(
            message.startswith("Your request contains one or more invalid invalidation paths."), message
        )
        self.assertIn("Path 2 ('no-slash')", message)
        self.assertIn("Path 3 ('/a*b')", message)
        self.assertNotIn("/good", message)
        for path in ["", "a", "/a**", "/a\x7f", "#", "#a b", "#a,b", "/" + "a" * 4_000]:
            with self.subTest(path[:10]):
                self.refused(400, "InvalidArgument", self.create, path)

    def test_batches(self):
        self.refused(400, "InvalidArgument", self.create)
        self.refused(400, "InvalidArgument", self.create, "/a", reference="")
        self.refused(400, "InvalidArgument", self.create, "/a", reference="r" * 2_049)
        message = self.refused(400, "InconsistentQuantities", self.create, "/a", quantity=2)
        self.assertIn("(2) does not match the actual quantity supplied (1)", message)
        self.refused(413, "BatchTooLarge", self.create, *[f"/{n}" for n in range(3_001)])
        message = self.refused(
            400, "TooManyInvalidationsInProgress", self.create, *[f"/{n}*" for n in range(16)]
        )
        self.assertIn("maximum number of in-progress wildcard invalidations", message)

    def test_what_is_not_there(self):
        for tenant in ["dt_none", "a/b c", "..", "ü", self.name]:
            with self.subTest(tenant):
                self.refused(404, "EntityNotFound", self.create, "/a", tenant=tenant)
        get = self.client.get_invalidation_for_distribution_tenant
        self.refused(404, "NoSuchInvalidation", get, DistributionTenantId=self.tenant, Id="INONE")
        self.refused(404, "EntityNotFound", get, DistributionTenantId="dt_none", Id="INONE")
        list_ = self.client.list_invalidations_for_distribution_tenant
        self.refused(404, "EntityNotFound", list_, Id="dt_none")
        for option in [{"MaxItems": 0}, {"MaxItems": -1}, {"Marker": "INONE"}]:
            with self.subTest(option):
                self.refused(400, "InvalidArgument", list_, Id=self.tenant, **option)


class Configuration(support.NothingStored):
    def test_distributions(self):
        create = self.client.create_distribution

        def refused(status, code, **changes):
            return self.refused(status, code, create, DistributionConfig=distribution_config(**changes))

        config = distribution_config()
        create(DistributionConfig=config)
        self.before = self.stored()
        self.refused(409, "DistributionAlreadyExists", create, DistributionConfig=config)

        # What is not honoured is named in full.
        origin = config["Origins"]["Items"][0]
        behavior = config["DefaultCacheBehavior"]

        def origins(count=1, **changes):
            items = [origin | {"Id": "site" if n == 0 else f"o{n}"} | changes for n in range(count)]
            return {"Quantity": count, "Items": items}

        for member, changes in {
            "WebACLId": {"WebACLId": "arn:aws:wafv2:us-east-1:000000000000:global/webacl/a/b"},
            "Aliases": {"Aliases": {"Quantity": 1, "Items": ["www.example"]}},
            "TenantConfig": {"ConnectionMode": "direct"},
            "CallerReference": {"CallerReference": ""},
            "Comment": {"Comment": "c" * 129},
            "DefaultRootObject": {"DefaultRootObject": "/index.html"},
            "DefaultCacheBehavior.SmoothStreaming": {"DefaultCacheBehavior": behavior | {"SmoothStreaming": True}},
            "OriginPath": {"Origins": origins(OriginPath="/{{undefined}}")},
        }.items():
            with self.subTest(member):
                self.assertIn(member, refused(400, "InvalidArgument", **changes))
        refused(404, "NoSuchOrigin", DefaultCacheBehavior=behavior | {"TargetOriginId": "other"})
        refused(404, "NoSuchCachePolicy", DefaultCacheBehavior=behavior | {"CachePolicyId": "none"})
        refused(400, "TooManyOrigins", Origins=origins(101))
        headers = [{"HeaderName": f"X-{n}", "HeaderValue": "v"} for n in range(31)]
        headers = {"Quantity": 31, "Items": headers}
        refused(400, "TooManyOriginCustomHeaders", Origins=origins(CustomHeaders=headers))
        refused(400, "InconsistentQuantities", Origins=origins() | {"Quantity": 3})
        refused(400, "MalformedXML", HttpVersion="http9")

        self.refused(404, "NoSuchDistribution", self.client.get_distribution, Id="ENONE")
        self.refused(400, "InvalidArgument", self.client.list_distributions, Marker="ENONE")

    def test_tenants(self):
        create = self.client.create_distribution_tenant

        def refused(status, code, **changes):
            config = tenant_config(self.distribution, f"{self.name}-new", **changes)
            return self.refused(status, code, create, **config)

        domain = {"Domain": f"{self.name}.example"}
        refused(404, "EntityNotFound", DistributionId="ENONE")
        refused(404, "EntityNotFound", ConnectionGroupId="cg_none")
        refused(409, "EntityAlreadyExists", Name=self.name)
        self.assertIn(domain["Domain"], refused(409, "CNAMEAlreadyExists", Domains=[domain]))
        self.assertIn("Name", refused(400, "InvalidArgument", Name="under_score"))
        self.assertIn("folder", refused(400, "InvalidArgument", Parameters=[]))
        self.assertIn("other", refused(400, "InvalidArgument", Parameters=[{"Name": "other", "Value": "v"}]))
        refused(400, "InvalidArgument", Parameters=[{"Name": "folder", "Value": "a\r\nb: c"}])
        refused(400, "InvalidArgument", Domains=[])
        refused(400, "InvalidArgument", Domains=[{"Domain": "no domain"}])
        refused(400, "InvalidArgument", Domains=[{"Domain": "a.example"}, {"Domain": "A.example"}])
        many = [{"Domain": f"d{n}.example"} for n in range(101)]
        refused(400, "EntityLimitExceeded", Domains=many)
        refused(400, "InvalidTagging", Tags={"Items": [{"Key": "aws:x", "Value": "v"}]})
        self.assertIn("Customizations", refused(
            400, "InvalidArgument", Customizations={"GeoRestrictions": {"RestrictionType": "whitelist", "Locations": ["Germany"]}}
        ))
        for association in [{"DistributionId": "ENONE"}, {"ConnectionGroupId": "cg_none"}]:
            list_ = self.client.list_distribution_tenants
            self.refused(404, "EntityNotFound", list_, AssociationFilter=association)

    def test_if_match(self):
        for call in [self.client.update_distribution_tenant, self.client.delete_distribution_tenant]:
            self.refused(400, "InvalidIfMatchVersion", call, Id=self.tenant, IfMatch="not an entity tag")
            self.refused(412, "PreconditionFailed", call, Id=self.tenant, IfMatch="E0STALESTALEST")
            self.refused(404, "EntityNotFound", call, Id="dt_none", IfMatch=self.etag)

    def test_what_this_version_does_not_offer(self):
        offered = self.client.list_functions
        self.assertIn("ListFunctions", self.refused(501, "NotImplemented", offered))
        self.refused(
            501, "NotImplemented", self.client.associate_alias,
            TargetDistributionId=self.distribution, Alias="a.example",
        )


class Signatures(support.NothingStored):
    def create_as(self, client):
        return client.create_invalidation_for_distribution_tenant(
            Id=self.tenant, InvalidationBatch=batch("/a")
        )

    def test_who_asks(self):
        key = boto3.Session().get_credentials().get_frozen_credentials()

        def refused(status, code, **options):
            return self.refused(status, code, self.create_as, support.client(**options))

        refused(403, "MissingAuthenticationToken", config=Config(signature_version=UNSIGNED))
        refused(
            403, "InvalidClientTokenId",
            aws_access_key_id="AKIAUNKNOWN", aws_secret_access_key=key.secret_key,
        )
        refused(
            403, "SignatureDoesNotMatch",
            aws_access_key_id=key.access_key, aws_secret_access_key=key.secret_key[:-1] + "!",
        )
        refused(
            403, "InvalidClientTokenId", aws_access_key_id=key.access_key,
            aws_secret_access_key=key.secret_key, aws_session_token="token",
        )

    def test_when(self):
        real = botocore.auth.get_current_datetime
        for minutes in [-6, 6]:
            with self.subTest(minutes):
                skewed = datetime.timedelta(minutes=minutes)
                then = lambda *args, **options: real(*args, **options) + skewed
                stamp = (real() + skewed).strftime("%Y%m%dT%H%M")
                with mock.patch("botocore.auth.get_current_datetime", then):
                    message = self.refused(403, "SignatureDoesNotMatch", self.create_as, self.client)
                self.assertIn(stamp, message, "it names both times")
                self.assertIn(real().strftime("%Y%m%dT%H"), message)
        with mock.patch(
            "botocore.auth.get_current_datetime",
            lambda *args, **options: real(*args, **options) + datetime.timedelta(minutes=4),
        ):
            self.client.list_distributions()


if __name__ == "__main__":
    unittest.main()
