//! A client of the API that takes nothing for granted: a call succeeds, is refused, or nobody knows.

use std::fs;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use recant_core::entry::Hash;
use recant_core::time::WallTime;
use recant_wire::document::Document;
use recant_wire::sigv4::{Credentials, ServiceScope, SignableRequest, sign};
use recant_wire::{model, request, response};
use serde_json::{Value, json};

use super::http::Connection;
use super::processes::{Process, SHIELD_REGION};
use super::world::{TENANTS, host};

/// The plane's API, with a distribution and the tenants in it.
pub(crate) struct Api {
    address: SocketAddr,
    credentials: Credentials,
    /// The tenants' ids.
    tenants: Vec<String>,
}

/// Why a call has no output.
#[derive(Debug)]
pub(crate) enum Failed {
    /// Nothing was sent.
    NotSent,
    /// It was sent, and the plane was gone before it answered, or does not know itself what became of it.
    Unanswered,
    /// A clear no.
    Refused(String),
}

impl Api {
    /// Makes a distribution over this origin, with or without a shield, and the tenants.
    pub(crate) fn set_up(plane: &Process, origin: SocketAddr, shield: bool) -> Self {
        let address = plane.address("api");
        let text = fs::read_to_string(plane.data_dir.join("credentials")).unwrap();
        let value = |name| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
            value.expect("the plane has written a key").trim().to_owned()
        };
        let credentials = Credentials {
            access_key_id: value("aws_access_key_id"),
            secret_access_key: value("aws_secret_access_key"),
            session_token: None,
        };
        let mut api = Self { address, credentials, tenants: Vec::new() };
        let mut config = distribution(origin);
        if shield {
            config["Origins"]["Items"][0]["OriginShield"] =
                json!({"Enabled": true, "OriginShieldRegion": SHIELD_REGION});
        }
        let made = api.client().call("CreateDistribution", json!({"DistributionConfig": config}));
        let distribution = made.unwrap()["Distribution"]["Id"].clone();
        for (tenant, name) in TENANTS.into_iter().enumerate() {
            let input = json!({
                "DistributionId": distribution,
                "Name": name,
                "Domains": [{"Domain": host(tenant)}],
                "Parameters": [{"Name": "folder", "Value": name}],
            });
            let made = api.client().call("CreateDistributionTenant", input).unwrap();
            api.tenants.push(text_of(&made["DistributionTenant"]["Id"]));
        }
        api
    }

    /// The same, of a plane on a copy of that one's data.
    pub(crate) fn of(&self, plane: &Process) -> Self {
        Self {
            address: plane.address("api"),
            credentials: self.credentials.clone(),
            tenants: self.tenants.clone(),
        }
    }

    pub(crate) fn client(&self) -> Client<'_> {
        Client { api: self, connection: None }
    }
}

fn distribution(origin: SocketAddr) -> Value {
    json!({
        "CallerReference": "blackbox",
        "Comment": "",
        "Enabled": true,
        "ConnectionMode": "tenant-only",
        "TenantConfig": {"ParameterDefinitions": [
            {"Name": "folder", "Definition": {"StringSchema": {"Required": true}}},
        ]},
        "Origins": {"Quantity": 1, "Items": [{
            "Id": "origin",
            "DomainName": origin.ip().to_string(),
            "OriginPath": "/{{folder}}",
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

/// A caller with a connection of its own.
pub(crate) struct Client<'a> {
    api: &'a Api,
    connection: Option<Connection>,
}

impl Client<'_> {
    /// Gives the invalidation's id.
    pub(crate) fn create(
        &mut self,
        tenant: usize,
        reference: &str,
        paths: &[String],
    ) -> Result<String, Failed> {
        let batch = json!({"Paths": {"Quantity": paths.len(), "Items": paths}, "CallerReference": reference});
        let input = json!({"Id": self.api.tenants[tenant], "InvalidationBatch": batch});
        let output = self.call("CreateInvalidationForDistributionTenant", input)?;
        Ok(text_of(&output["Invalidation"]["Id"]))
    }

    /// Gives the invalidation's status.
    pub(crate) fn status(&mut self, tenant: usize, id: &str) -> Result<String, Failed> {
        let input = json!({"DistributionTenantId": self.api.tenants[tenant], "Id": id});
        let output = self.call("GetInvalidationForDistributionTenant", input)?;
        Ok(text_of(&output["Invalidation"]["Status"]))
    }

    /// Gives the ids and statuses of all of a tenant's invalidations.
    pub(crate) fn list(&mut self, tenant: usize) -> Result<Vec<(String, String)>, Failed> {
        let (mut all, mut marker) = (Vec::new(), Value::Null);
        loop {
            let mut input = json!({"Id": self.api.tenants[tenant], "MaxItems": 300});
            if !marker.is_null() {
                input["Marker"] = marker;
            }
            let output = self.call("ListInvalidationsForDistributionTenant", input)?;
            let list = &output["InvalidationList"];
            for item in list["Items"].as_array().into_iter().flatten() {
                all.push((text_of(&item["Id"]), text_of(&item["Status"])));
            }
            if list["IsTruncated"] != true {
                return Ok(all);
            }
            marker = list["NextMarker"].clone();
        }
    }

    fn call(&mut self, operation: &str, input: Value) -> Result<Value, Failed> {
        let operation = model::operation(operation).expect("an operation of the model");
        let call = request::encode(operation, &Document::from(input)).expect("an input of the operation");
        let bytes = self.signed(&call);
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(self.api.address).map_err(|_| Failed::NotSent)?),
        };
        let Ok(reply) = connection.send(&bytes).and_then(|()| connection.receive()) else {
            self.connection = None;
            return Err(Failed::Unanswered);
        };
        match reply.status {
            status if status == operation.success => {
                let output = response::decode(operation, &reply.headers, &reply.body);
                Ok(output.expect("an output of the operation").into())
            }
            500.. => Err(Failed::Unanswered),
            status => Err(Failed::Refused(format!("{status} {}", String::from_utf8_lossy(&reply.body)))),
        }
    }

    fn signed(&self, call: &request::Request) -> Vec<u8> {
        let host = self.api.address.to_string();
        let query = call.query.as_deref().unwrap_or_default();
        let signable = SignableRequest {
            method: call.method.as_str(),
            path: &call.path,
            query,
            headers: &[("host", host.as_bytes())],
            body_hash: Hash::of(&call.body),
        };
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let now = WallTime::from_millis(since.as_millis() as i64);
        let added = sign(&signable, &self.api.credentials, &ServiceScope::cloudfront("us-east-1"), now, &[]);
        let question = if query.is_empty() { "" } else { "?" };
        let mut head = format!("{} {}{question}{query} HTTP/1.1\r\nhost: {host}\r\n", call.method, call.path);
        for (name, value) in added {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", call.body.len()));
        [head.as_bytes(), &call.body].concat()
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
