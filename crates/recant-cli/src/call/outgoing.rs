//! A request as it leaves: with the endpoint, the headers of the attempt and the signature.

use std::time::SystemTime;

use recant_core::entry::Hash;
use recant_wire::document::{Document, has_lone_surrogate};
use recant_wire::model::{Location, Operation};
use recant_wire::sigv4::{self, ServiceScope, SignableRequest};
use recant_wire::{python, request};

use super::{Caller, wall_time};
use crate::credentials::Found;
use crate::debug;
use crate::environment::Environment;
use crate::error::Error;
use crate::transport::Failure;

impl Caller<'_> {
    /// The request with its headers and, unless that is switched off, its signature.
    pub(super) fn assemble(
        &self,
        now: SystemTime,
        request: &request::Request,
        url: &str,
        attempt: u32,
        ends_at: Option<i64>,
    ) -> Result<http::Request<Vec<u8>>, Error> {
        let invalid =
            |why: http::Error| Error::general(format!("Invalid request for endpoint URL \"{url}\": {why}"));
        let mut builder = http::Request::builder()
            .method(request.method.clone())
            .uri(url)
            .header("host", self.endpoint.host())
            .header("amz-sdk-request", self.retry.header(attempt, ends_at));
        for (name, value) in &request.headers {
            if value.contains(['\r', '\n']) {
                let why = format!(
                    "Invalid header value {}",
                    python::repr(&Document::Blob(value.clone().into_bytes()))
                );
                return Err(Error::general(Failure::Other(why).message(url)));
            }
            builder = builder.header(*name, value.as_bytes());
        }
        let mut outgoing = builder.body(request.body.clone()).map_err(invalid)?;
        if let Some(Found { credentials, .. }) = &self.credentials {
            let path = format!("{}{}", self.endpoint.prefix, request.path);
            let query = self.endpoint.joined_query(request.query.as_deref().unwrap_or(""));
            let headers = sigv4::headers_of(outgoing.headers());
            let signable = SignableRequest {
                method: request.method.as_str(),
                path: &path,
                query: &query,
                headers: &headers,
                body_hash: Hash::of(&request.body),
            };
            let scope = ServiceScope::cloudfront(&self.endpoint.signing_region);
            let signed: Vec<String> =
                request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
            let signed: Vec<&str> = signed.iter().map(String::as_str).collect();
            let added = sigv4::sign(&signable, credentials, &scope, wall_time(now), &signed);
            for (name, value) in added {
                let value = http::HeaderValue::try_from(value).map_err(|why| invalid(why.into()))?;
                outgoing.headers_mut().insert(name, value);
            }
        }
        Ok(outgoing)
    }

    pub(super) fn log_request(
        &self,
        environment: &mut dyn Environment,
        name: &str,
        outgoing: &http::Request<Vec<u8>>,
    ) {
        if !environment.is_debugging() {
            return;
        }
        debug::line(environment, "botocore.endpoint", || {
            format!("Making request for OperationModel(name={name}) with params: {outgoing:?}")
        });
        let header = |name| outgoing.headers().get(name).and_then(|value| value.to_str().ok());
        let Some(authorization) = header("authorization") else { return };
        let mut headers = sigv4::headers_of(outgoing.headers());
        headers.retain(|(name, _)| *name != "authorization");
        let uri = outgoing.uri();
        let signable = SignableRequest {
            method: outgoing.method().as_str(),
            path: uri.path(),
            query: uri.query().unwrap_or_default(),
            headers: &headers,
            body_hash: Hash::of(outgoing.body()),
        };
        let region = &self.endpoint.signing_region;
        debug::signature(environment, &signable, region, sigv4::SERVICE, authorization);
    }
}

/// Only bodies can carry half a surrogate pair: paths, queries and headers are UTF-8.
pub(super) fn check_addresses(operation: &Operation, input: &Document) -> Result<(), Error> {
    let outside = operation.members().iter().filter(|member| member.location != Location::Body);
    let text = |name| input.get(name).and_then(Document::as_str);
    match outside.filter_map(|member| text(member.name)).find(|text| has_lone_surrogate(text)) {
        None => Ok(()),
        Some(_) => Err(Error::general("'utf-8' codec can't encode character: surrogates not allowed")),
    }
}
