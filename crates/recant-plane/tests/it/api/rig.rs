//! A plane to call, and a client to call it with.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use recant_core::entry::Hash;
use recant_core::time::WallTime;
use recant_plane::{Plane, PlaneOptions, clock};
use recant_wire::document::Document;
use recant_wire::error::ErrorDocument;
use recant_wire::sigv4::{Credentials, ServiceScope, SignableRequest, sign};
use recant_wire::{model, request, response};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// Longer than anything here takes; a hang fails instead of lasting.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A plane on a free port, in a folder that goes with it.
pub(crate) struct Rig {
    pub(crate) address: SocketAddr,
    pub(crate) credentials: Credentials,
    pub(crate) edge_authorization: String,
    plane: Option<Plane>,
    runtime: Runtime,
    pub(crate) folder: tempfile::TempDir,
}

impl Rig {
    /// A plane with the default options.
    pub(crate) fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// A plane with options of the test's choice.
    pub(crate) fn start_with(change: impl FnOnce(&mut PlaneOptions)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), change)
    }

    /// Another plane in the folder of this one, which is stopped.
    pub(crate) fn again(mut self, change: impl FnOnce(&mut PlaneOptions)) -> Self {
        if self.plane.is_some() {
            self.stop();
        }
        Self::start_in(self.folder, change)
    }

    fn start_in(folder: tempfile::TempDir, change: impl FnOnce(&mut PlaneOptions)) -> Self {
        let mut options = PlaneOptions::new(folder.path(), SocketAddr::from(([127, 0, 0, 1], 0)));
        change(&mut options);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let plane = runtime.block_on(Plane::start(options)).unwrap();
        let key = plane.folder().root_key().unwrap();
        let credentials = Credentials {
            access_key_id: key.access_key_id,
            secret_access_key: key.secret_access_key,
            session_token: None,
        };
        let edge_authorization = plane.folder().edge_secret().unwrap().authorization();
        Self {
            address: plane.api_address(),
            credentials,
            edge_authorization,
            plane: Some(plane),
            runtime,
            folder,
        }
    }

    /// Stops the plane and waits for its end.
    pub(crate) fn stop(&mut self) {
        let plane = self.plane.take().unwrap();
        plane.stopper().stop();
        self.runtime.block_on(async { tokio::time::timeout(PATIENCE, plane.run()).await.unwrap() });
    }

    /// A request for an operation, not yet signed.
    pub(crate) fn request(&self, operation: &str, input: Value) -> Call {
        let operation = model::operation(operation).unwrap();
        let request = request::encode(operation, &Document::from(input)).unwrap();
        let mut headers = vec![("host".to_owned(), self.address.to_string())];
        headers.extend(request.headers.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Call {
            method: request.method.to_string(),
            path: request.path,
            query: request.query.unwrap_or_default(),
            headers,
            body: request.body,
        }
    }

    /// Calls an operation, signed.
    pub(crate) fn call(&self, operation: &str, input: Value) -> Reply {
        self.send(&self.signed(self.request(operation, input)))
    }

    /// Calls an operation that must succeed, and reads its output.
    pub(crate) fn ok(&self, operation: &str, input: Value) -> Value {
        self.call(operation, input.clone()).output(operation)
    }

    /// Signs a request with the root key, now.
    pub(crate) fn signed(&self, call: Call) -> Call {
        call.signed(&self.credentials, clock::wall_now())
    }

    /// Sends a request as it is.
    pub(crate) fn send(&self, call: &Call) -> Reply {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&call.to_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        Reply::parse(&bytes)
    }

    /// Makes a distribution and gives its id.
    pub(crate) fn distribution(&self) -> String {
        let made = self.ok("CreateDistribution", json!({"DistributionConfig": distribution_config("d")}));
        made["Distribution"]["Id"].as_str().unwrap().to_owned()
    }

    /// Makes a tenant `name` with the domain `name.example` and gives its id.
    pub(crate) fn tenant(&self, distribution: &str, name: &str) -> String {
        let made = self.ok("CreateDistributionTenant", tenant_config(distribution, name));
        made["DistributionTenant"]["Id"].as_str().unwrap().to_owned()
    }
}

/// A configuration that is honoured.
pub(crate) fn distribution_config(caller_reference: &str) -> Value {
    json!({
        "CallerReference": caller_reference,
        "Comment": "shops",
        "Enabled": true,
        "ConnectionMode": "tenant-only",
        "TenantConfig": {"ParameterDefinitions": [
            {"Name": "shop", "Definition": {"StringSchema": {"Required": true}}},
        ]},
        "Origins": {"Quantity": 1, "Items": [{
            "Id": "shops",
            "DomainName": "127.0.0.1",
            "OriginPath": "/{{shop}}",
            "CustomOriginConfig": {"HTTPPort": 8000, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
        }]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "shops",
            "ViewerProtocolPolicy": "allow-all",
            "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6"
        }
    })
}

/// A tenant that is honoured.
pub(crate) fn tenant_config(distribution: &str, name: &str) -> Value {
    json!({
        "DistributionId": distribution,
        "Name": name,
        "Domains": [{"Domain": format!("{name}.example")}],
        "Parameters": [{"Name": "shop", "Value": name}],
        "Tags": {"Items": [{"Key": "plan", "Value": "gold"}]},
    })
}

/// An invalidation batch of these paths for a tenant.
pub(crate) fn invalidation(tenant: &str, caller_reference: &str, paths: &[&str]) -> Value {
    json!({
        "Id": tenant,
        "InvalidationBatch": {
            "Paths": {"Quantity": paths.len(), "Items": paths},
            "CallerReference": caller_reference
        }
    })
}

/// A request as it goes out.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Call {
    /// The same with another body.
    pub(crate) fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The same, signed.
    pub(crate) fn signed(mut self, credentials: &Credentials, now: WallTime) -> Self {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = SignableRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            body_hash: Hash::of(&self.body),
        };
        let added = sign(&request, credentials, &ServiceScope::cloudfront("eu-west-1"), now, &["if-match"]);
        self.headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self
    }

    /// The bytes on the wire.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let question = if self.query.is_empty() { "" } else { "?" };
        let mut head = format!("{} {}{question}{} HTTP/1.1\r\n", self.method, self.path, self.query);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", self.body.len()));
        [head.into_bytes(), self.body.clone()].concat()
    }
}

/// A response.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").expect("a response has a head");
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers =
            headers.map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()));
        Self { status, headers: headers.collect(), body: body.to_owned() }
    }

    /// A header's value; empty without.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The output of an operation that succeeded.
    #[track_caller]
    pub(crate) fn output(&self, operation: &str) -> Value {
        let operation = model::operation(operation).unwrap();
        assert_eq!(self.status, operation.success, "{}", self.body);
        response::decode(operation, &self.headers, self.body.as_bytes()).unwrap().into()
    }

    /// The code of an error, after its form has been looked at.
    #[track_caller]
    pub(crate) fn error(&self) -> ErrorDocument {
        assert_eq!(self.header("content-type"), "text/xml", "{}", self.body);
        let error = ErrorDocument::read(self.body.as_bytes()).expect("an error is XML");
        assert_eq!(error.request_id, self.header("x-amzn-requestid"));
        assert_eq!(error.request_id.len(), 36, "{error:?}");
        error
    }

    /// Asserts a refusal: status and code; gives its message.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> String {
        assert!(self.status >= 400, "accepted: {}", self.body);
        let error = self.error();
        assert_eq!((self.status, error.code.as_str()), (status, code), "{}", error.message);
        error.message
    }
}
