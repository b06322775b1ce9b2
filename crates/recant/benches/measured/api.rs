//! A client of the plane: signed calls over one kept-alive connection.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use recant_core::entry::Hash;
use recant_core::time::WallTime;
use recant_wire::document::Document;
use recant_wire::sigv4::{Credentials, ServiceScope, SignableRequest, sign};
use recant_wire::{model, request, response};
use serde_json::{Value, json};

use crate::http::{Connection, Response};

/// The region that requests are signed for.
pub(crate) const REGION: &str = "us-east-1";

/// A client with a connection of its own.
pub(crate) struct Client {
    host: String,
    credentials: Credentials,
    connection: Connection,
}

/// What a call says, before it is signed.
#[derive(Clone)]
pub(crate) struct Call {
    method: String,
    path: String,
    /// After the question mark; empty without.
    query: String,
    body: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(api: SocketAddr, credentials: &Credentials) -> Result<Self> {
        Ok(Self {
            host: api.to_string(),
            credentials: credentials.clone(),
            connection: Connection::open(api)?,
        })
    }

    /// Calls an operation that has to succeed, and reads its output.
    pub(crate) fn ok(&mut self, operation: &str, input: Value) -> Result<Value> {
        let reply = self.send(&Call::of(operation, input)?)?;
        let operation = model::operation(operation).context("an operation of the model")?;
        ensure!(
            reply.status == operation.success,
            "{}: {} {}",
            operation.name,
            reply.status,
            String::from_utf8_lossy(&reply.body)
        );
        Ok(response::decode(operation, &reply.headers, &reply.body)?.into())
    }

    /// Signs a call, sends it, reads what is answered.
    pub(crate) fn send(&mut self, call: &Call) -> Result<Response> {
        let signable = SignableRequest {
            method: &call.method,
            path: &call.path,
            query: &call.query,
            headers: &[("host", self.host.as_bytes())],
            body_hash: Hash::of(&call.body),
        };
        let added = sign(&signable, &self.credentials, &ServiceScope::cloudfront(REGION), wall_now(), &[]);
        let separator = if call.query.is_empty() { "" } else { "?" };
        let mut bytes = format!(
            "{} {}{separator}{} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n",
            call.method,
            call.path,
            call.query,
            self.host,
            call.body.len()
        );
        for (name, value) in added {
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
        bytes.push_str("\r\n");
        self.connection.exchange(&[bytes.as_bytes(), &call.body].concat())
    }

    /// Makes a distribution with an origin on this machine and a tenant with this domain; gives the tenant's id.
    pub(crate) fn make_tenant(&mut self, domain: &str, origin: SocketAddr) -> Result<String> {
        let mut made = self.make_tenants(&[domain.to_owned()], origin)?;
        made.pop().context("a tenant was made")
    }

    /// The same with several tenants, each with a domain; gives their ids in this order.
    pub(crate) fn make_tenants(&mut self, domains: &[String], origin: SocketAddr) -> Result<Vec<String>> {
        let made = self.ok("CreateDistribution", json!({"DistributionConfig": distribution(origin)}))?;
        let distribution = &made["Distribution"]["Id"];
        let make = |(n, domain): (usize, &String)| {
            let name = format!("bench-{n}");
            let tenant =
                json!({"DistributionId": distribution, "Name": name, "Domains": [{"Domain": domain}]});
            let made = self.ok("CreateDistributionTenant", tenant)?;
            Ok(made["DistributionTenant"]["Id"].as_str().context("a tenant has an id")?.to_owned())
        };
        domains.iter().enumerate().map(make).collect()
    }
}

impl Call {
    pub(crate) fn of(operation: &str, input: Value) -> Result<Self> {
        let operation = model::operation(operation).context("an operation of the model")?;
        let request = request::encode(operation, &Document::from(input))?;
        Ok(Self {
            method: request.method.to_string(),
            path: request.path,
            query: request.query.unwrap_or_default(),
            body: request.body,
        })
    }

    /// The same of a distribution without tenants.
    pub(crate) fn classic_invalidation(distribution: &str, caller_reference: &str) -> Result<Self> {
        let batch = batch(caller_reference, &[format!("/items/{caller_reference}")]);
        Self::of("CreateInvalidation", json!({"DistributionId": distribution, "InvalidationBatch": batch}))
    }

    /// The creation of an invalidation of one path.
    pub(crate) fn invalidation(tenant: &str, caller_reference: &str) -> Result<Self> {
        Self::invalidation_of(tenant, caller_reference, &[format!("/items/{caller_reference}")])
    }

    /// The same of these paths.
    pub(crate) fn invalidation_of(tenant: &str, caller_reference: &str, paths: &[String]) -> Result<Self> {
        let batch = batch(caller_reference, paths);
        Self::of("CreateInvalidationForDistributionTenant", json!({"Id": tenant, "InvalidationBatch": batch}))
    }
}

fn batch(caller_reference: &str, paths: &[String]) -> Value {
    let paths = json!({"Quantity": paths.len(), "Items": paths});
    json!({"Paths": paths, "CallerReference": caller_reference})
}

fn distribution(origin: SocketAddr) -> Value {
    json!({
        "CallerReference": "bench",
        "Comment": "",
        "Enabled": true,
        "ConnectionMode": "tenant-only",
        "Origins": {"Quantity": 1, "Items": [{
            "Id": "origin",
            "DomainName": origin.ip().to_string(),
            "CustomOriginConfig": {
                "HTTPPort": origin.port(), "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"
            }
        }]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "origin",
            "ViewerProtocolPolicy": "allow-all",
            // CachingOptimized, a managed policy.
            "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6"
        }
    })
}

fn wall_now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_millis(since.as_millis() as i64)
}
