//! moto's server, which stands in for CloudFront in many test suites: the same client's calls, answered from a Python
//! process's memory.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use recant_wire::sigv4::Credentials;
use serde_json::{Value, json};

use crate::api::Client;
use crate::processes::{Running, started};

/// A server of its own, with a distribution.
pub(crate) struct Moto {
    api: SocketAddr,
    pub(crate) distribution: String,
    _process: Running,
}

impl Moto {
    /// Starts the one whose program `RECANT_MOTO` names; none if nothing is named.
    pub(crate) fn start(folder: &Path) -> Result<Option<Self>> {
        let Ok(program) = std::env::var("RECANT_MOTO") else { return Ok(None) };
        let log = folder.join("moto.log");
        let mut command = started(&program, None);
        command.args(["-H", "127.0.0.1", "-p", "0"]);
        let mut process = Running::start(&mut command, log.clone())?;
        let api = process.until("moto", || {
            let said = std::fs::read_to_string(&log).ok()?;
            said.split_once("Running on http://")?.1.split_whitespace().next()?.parse().ok()
        })?;
        let mut moto = Self { api, distribution: String::new(), _process: process };
        let made = moto.client()?.ok("CreateDistribution", json!({"DistributionConfig": distribution()}))?;
        let id = made["Distribution"]["Id"].as_str().context("a distribution has an id")?;
        moto.distribution = id.to_owned();
        Ok(Some(moto))
    }

    pub(crate) fn client(&self) -> Result<Client> {
        let [access_key_id, secret_access_key] = ["AKIDEXAMPLE", "secret"].map(str::to_owned);
        Client::connect(self.api, &Credentials { access_key_id, secret_access_key, session_token: None })
    }
}

/// moto knows distributions without tenants only.
fn distribution() -> Value {
    json!({
        "CallerReference": "bench",
        "Comment": "",
        "Enabled": true,
        "Origins": {"Quantity": 1, "Items": [{
            "Id": "origin", "DomainName": "bucket.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}
        }]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "origin",
            "ViewerProtocolPolicy": "allow-all",
            "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6"
        }
    })
}
