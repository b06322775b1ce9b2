// The AWS SDK for JavaScript against `recant serve`: the life of a distribution, its tenants and their invalidations,
// with the SDK's own waiters, paginators and error classes.
//
// The test runner starts `recant serve` and gives this process the environment that `recant env` prints. Nothing here
// sets an endpoint, a region or a key: the SDK finds them as it would for anybody.

"use strict";

const assert = require("node:assert/strict");
const { randomUUID } = require("node:crypto");
const { after, before, test } = require("node:test");

const sdk = require("@aws-sdk/client-cloudfront");

const CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6";

/** As anybody would make it, except that a refusal is the first answer, not the last of several. */
const client = new sdk.CloudFront({ maxAttempts: 1 });

/** The stock waiters look every 20 to 60 seconds; these look more often, in seconds too. */
const patience = { client, minDelay: 0.05, maxDelay: 0.05, maxWaitTime: 60 };

let distribution;

before(async () => {
  const made = await client.createDistribution({ DistributionConfig: distributionConfig() });
  distribution = made.Distribution.Id;
});

after(() => client.destroy());

test("a distribution is created, deployed, read, changed and deleted", async () => {
  const made = await client.createDistribution({ DistributionConfig: distributionConfig() });
  const { Id } = made.Distribution;
  assert.equal(made.$metadata.httpStatusCode, 201);
  assert.ok(made.Location.endsWith(`/2020-05-31/distribution/${Id}`), made.Location);

  const deployed = await sdk.waitUntilDistributionDeployed(patience, { Id });
  assert.equal(deployed.state, "SUCCESS");
  const { ETag, DistributionConfig } = await client.getDistributionConfig({ Id });
  assert.equal(ETag, made.ETag);
  assert.deepEqual(DistributionConfig, made.Distribution.DistributionConfig);

  const disabled = { ...DistributionConfig, Enabled: false };
  const changed = await client.updateDistribution({ Id, IfMatch: ETag, DistributionConfig: disabled });
  assert.equal(changed.Distribution.DistributionConfig.Enabled, false);
  await refused(sdk.PreconditionFailed, 412, client.deleteDistribution({ Id, IfMatch: ETag }));
  await sdk.waitUntilDistributionDeployed(patience, { Id });
  await client.deleteDistribution({ Id, IfMatch: changed.ETag });
  await refused(sdk.NoSuchDistribution, 404, client.getDistribution({ Id }));
});

test("a tenant is found by id, name and ARN", async () => {
  const { ETag, DistributionTenant: tenant } = await createTenant();
  assert.ok(tenant.CreatedTime instanceof Date);
  assert.match(tenant.Arn, new RegExp(`^arn:aws:cloudfront::\\d{12}:distribution-tenant/${tenant.Id}$`));
  for (const Identifier of [tenant.Id, tenant.Name, tenant.Arn]) {
    const found = await client.getDistributionTenant({ Identifier });
    assert.equal(found.DistributionTenant.Id, tenant.Id);
    assert.equal(found.ETag, ETag);
  }
  const byDomain = await client.getDistributionTenantByDomain({ Domain: tenant.Domains[0].Domain });
  assert.equal(byDomain.DistributionTenant.Id, tenant.Id);
});

test("a tenant changes under its entity tag, and is disabled before it is deleted", async () => {
  const { ETag, DistributionTenant: { Id, Parameters } } = await createTenant();
  await refused(sdk.ResourceNotDisabled, 409, client.deleteDistributionTenant({ Id, IfMatch: ETag }));
  const changed = await client.updateDistributionTenant({ Id, IfMatch: ETag, Enabled: false });
  assert.notEqual(changed.ETag, ETag);
  assert.equal(changed.DistributionTenant.Enabled, false);
  assert.deepEqual(changed.DistributionTenant.Parameters, Parameters, "it was not named");
  const stale = client.updateDistributionTenant({ Id, IfMatch: ETag, Enabled: true });
  await refused(sdk.PreconditionFailed, 412, stale);
  const gone = await client.deleteDistributionTenant({ Id, IfMatch: changed.ETag });
  assert.equal(gone.$metadata.httpStatusCode, 204);
  await refused(sdk.EntityNotFound, 404, client.getDistributionTenant({ Identifier: Id }));
});

test("an invalidation is created once, however often it is sent, and completes", async () => {
  const { DistributionTenant: { Id: tenant } } = await createTenant();
  const InvalidationBatch = batch("/b&<c>", "/a*", "#Sale", "/ü");
  const first = await client.createInvalidationForDistributionTenant({ Id: tenant, InvalidationBatch });
  assert.equal(first.$metadata.httpStatusCode, 201);
  assert.deepEqual(first.Invalidation.InvalidationBatch, InvalidationBatch);
  const { Id } = first.Invalidation;

  const waited = await sdk.waitUntilInvalidationForDistributionTenantCompleted(patience, {
    DistributionTenantId: tenant,
    Id,
  });
  assert.equal(waited.state, "SUCCESS");
  const found = await client.getInvalidationForDistributionTenant({ DistributionTenantId: tenant, Id });
  assert.deepEqual(found.Invalidation, { ...first.Invalidation, Status: "Completed" });

  const again = await client.createInvalidationForDistributionTenant({ Id: tenant, InvalidationBatch });
  assert.equal(again.$metadata.httpStatusCode, 201);
  assert.equal(again.Location, first.Location);
  assert.deepEqual(again.Invalidation, found.Invalidation);
});

test("another batch under a used reference is a conflict", async () => {
  const { DistributionTenant: { Id } } = await createTenant();
  const InvalidationBatch = batch("/a");
  await client.createInvalidationForDistributionTenant({ Id, InvalidationBatch });
  const other = { ...InvalidationBatch, Paths: batch("/b").Paths };
  // The API's model lists no error class for it at this operation: the SDK knows it by its code.
  const error = await refused(
    sdk.CloudFrontServiceException, 409,
    client.createInvalidationForDistributionTenant({ Id, InvalidationBatch: other }),
  );
  assert.equal(error.name, "InvalidationBatchAlreadyExists");
  const { InvalidationList } = await client.listInvalidationsForDistributionTenant({ Id });
  assert.equal(InvalidationList.Quantity, 1);
});

test("invalidations are listed in pages, newest first", async () => {
  const { DistributionTenant: { Id } } = await createTenant();
  const made = [];
  for (let n = 0; n < 5; n += 1) {
    const one = { Id, InvalidationBatch: batch(`/${n}`) };
    made.unshift((await client.createInvalidationForDistributionTenant(one)).Invalidation.Id);
  }
  const pages = [];
  const paginator = sdk.paginateListInvalidationsForDistributionTenant({ client, pageSize: 2 }, { Id });
  for await (const { InvalidationList } of paginator) {
    pages.push(InvalidationList.Items.map((item) => item.Id));
  }
  assert.deepEqual(pages, [made.slice(0, 2), made.slice(2, 4), made.slice(4)]);
});

test("tenants are listed in pages", async () => {
  const own = await client.createDistribution({ DistributionConfig: distributionConfig() });
  const AssociationFilter = { DistributionId: own.Distribution.Id };
  const made = [];
  for (let n = 0; n < 5; n += 1) {
    made.push((await createTenant(own.Distribution.Id)).DistributionTenant.Id);
  }
  const sizes = [];
  const listed = [];
  for await (const page of sdk.paginateListDistributionTenants({ client, pageSize: 2 }, { AssociationFilter })) {
    sizes.push(page.DistributionTenantList.length);
    listed.push(...page.DistributionTenantList.map((item) => item.Id));
  }
  assert.deepEqual(sizes, [2, 2, 1]);
  assert.deepEqual(listed.sort(), made.sort());
});

test("refusals have the classes of the API's model", async () => {
  const { DistributionTenant: { Id, Name } } = await createTenant();
  const create = (InvalidationBatch, tenant = Id) =>
    client.createInvalidationForDistributionTenant({ Id: tenant, InvalidationBatch });
  const invalid = await refused(sdk.InvalidArgument, 400, create(batch("/good", "no-slash")));
  assert.match(invalid.message, /Path 2 \('no-slash'\)/);
  const wrong = batch("/a");
  await refused(sdk.InconsistentQuantities, 400, create({ ...wrong, Paths: { ...wrong.Paths, Quantity: 2 } }));
  const long = Array.from({ length: 3_001 }, (_, n) => `/${n}`);
  await refused(sdk.BatchTooLarge, 413, create(batch(...long)));
  const wildcards = Array.from({ length: 16 }, (_, n) => `/${n}*`);
  await refused(sdk.TooManyInvalidationsInProgress, 400, create(batch(...wildcards)));
  await refused(sdk.EntityNotFound, 404, create(batch("/a"), "dt_none"));
  const missing = client.getInvalidationForDistributionTenant({ DistributionTenantId: Id, Id: "INONE" });
  await refused(sdk.NoSuchInvalidation, 404, missing);
  const again = client.createDistributionTenant(tenantConfig(distribution, Name));
  await refused(sdk.EntityAlreadyExists, 409, again);
  const { InvalidationList } = await client.listInvalidationsForDistributionTenant({ Id });
  assert.equal(InvalidationList.Quantity, 0, "a refused batch was stored");
});

/** Checks that a call is refused with an error of this class; gives the error. */
async function refused(type, status, call) {
  const error = await call.then(
    () => assert.fail(`${type.name} was expected, and the call succeeded`),
    (reason) => reason,
  );
  assert.ok(error instanceof type, `${type.name} was expected: ${error.stack}`);
  assert.equal(error.$metadata.httpStatusCode, status);
  assert.equal(error.$fault, "client");
  assert.equal(error.$metadata.requestId?.length, 36);
  return error;
}

/** A configuration that is honoured: one origin on this machine, a folder for each tenant. */
function distributionConfig() {
  const origin = {
    Id: "site",
    DomainName: "127.0.0.1",
    OriginPath: "/{{folder}}",
    CustomOriginConfig: { HTTPPort: 9, HTTPSPort: 443, OriginProtocolPolicy: "http-only" },
  };
  return {
    CallerReference: randomUUID(),
    Comment: "",
    Enabled: true,
    ConnectionMode: "tenant-only",
    TenantConfig: {
      ParameterDefinitions: [{ Name: "folder", Definition: { StringSchema: { Required: true } } }],
    },
    Origins: { Quantity: 1, Items: [origin] },
    DefaultCacheBehavior: {
      TargetOriginId: "site",
      ViewerProtocolPolicy: "allow-all",
      CachePolicyId: CACHING_OPTIMIZED,
    },
  };
}

function tenantConfig(DistributionId, Name) {
  return {
    DistributionId,
    Name,
    Domains: [{ Domain: `${Name}.example` }],
    Parameters: [{ Name: "folder", Value: Name }],
  };
}

/** Creates a tenant under a new name; gives the whole answer. */
function createTenant(DistributionId = distribution) {
  return client.createDistributionTenant(tenantConfig(DistributionId, `shop-${randomUUID()}`));
}

/** An invalidation batch under a new reference. */
function batch(...Items) {
  return { Paths: { Quantity: Items.length, Items }, CallerReference: randomUUID() };
}
