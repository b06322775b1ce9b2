//! An operation's output as an HTTP response, and back. Errors are [`error`](crate::error)'s.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::document::{Document, Members};
use crate::model::{Kind, Location, Operation, Shape};
use crate::request::latin1;
use crate::xml::{self, DECLARATION, EncodeError, Order, XmlError};

/// Spells an operation's output with the status of its success: the plane. Members go out in the order of the model.
///
/// # Errors
/// An output that is not of its shape, which is a bug of the operation.
pub fn encode(operation: &Operation, output: &Document) -> Result<Response<Vec<u8>>, EncodeError> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = StatusCode::from_u16(operation.success).expect("the model's statuses are valid");
    let Some(shape) = operation.output else { return Ok(response) };
    let none = Members::new();
    let given = output.as_structure().unwrap_or(&none);
    *response.body_mut() = body(shape, given, output)?;
    if !response.body().is_empty() {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    }
    for member in shape.members().iter().filter(|member| member.location == Location::Header) {
        let Some(value) = given.get(member.name) else { continue };
        let Some(text) = xml::write_scalar(&member.shape.kind, value) else { continue };
        let wrong = EncodeError::Header { name: member.name };
        let value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| wrong.clone())?;
        response
            .headers_mut()
            .insert(HeaderName::from_bytes(member.wire_name.as_bytes()).map_err(|_| wrong)?, value);
    }
    Ok(response)
}

/// Reads an operation's output: the client. The status has been looked at, it is a success.
///
/// Members in headers come first, then those of the body, each in the order of the model; a header or element that is
/// not there is left out, but a body that is one structure gives that structure even if the body is empty.
///
/// # Errors
/// A body that is not XML, or a number that is none.
pub fn decode(operation: &Operation, headers: &HeaderMap, body: &[u8]) -> Result<Document, XmlError> {
    let mut output = Members::new();
    let Some(shape) = operation.output else { return Ok(Document::Structure(output)) };
    for member in shape.members().iter().filter(|member| member.location == Location::Header) {
        let Some(value) = headers.get(member.wire_name) else { continue };
        // A header of the wrong kind is left out: the body, which matters more, can still be read.
        if let Ok(value) = xml::read_scalar(&member.shape.kind, latin1(value.as_bytes()), false) {
            output.extend([(member.name, value)]);
        }
    }
    let read = |shape: &Shape| match body {
        [] => Ok(Document::Structure(Members::new())),
        body => xml::decode_lenient(shape, body),
    };
    match shape.payload() {
        Some(payload) if matches!(payload.shape.kind, Kind::Blob) => {
            output.extend([(payload.name, Document::Blob(body.to_vec()))]);
        }
        Some(payload) => output.extend([(payload.name, read(payload.shape)?)]),
        None if shape.members().iter().any(|member| member.location == Location::Body) => {
            if let Document::Structure(members) = read(shape)? {
                output.extend(members);
            }
        }
        None => {}
    }
    Ok(Document::Structure(output))
}

fn body(shape: &Shape, given: &Members, output: &Document) -> Result<Vec<u8>, EncodeError> {
    let document = match shape.payload() {
        Some(payload) => match (&payload.shape.kind, given.get(payload.name)) {
            (_, None | Some(Document::Null)) => return Ok(Vec::new()),
            (Kind::Blob, Some(Document::Blob(bytes))) => return Ok(bytes.clone()),
            (_, Some(value)) => xml::encode(payload.shape, payload.wire_name, value, Order::Model)?,
        },
        None if shape.members().iter().any(|member| member.location == Location::Body) => {
            xml::encode(shape, shape.name, output, Order::Model)?
        }
        None => return Ok(Vec::new()),
    };
    Ok([DECLARATION, &document].concat().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::operation;
    use serde_json::{Value, json};

    fn created() -> Value {
        json!({"Location": "https://x/I1", "Invalidation": {"Id": "I1", "Status": "InProgress", "CreateTime": "t",
            "InvalidationBatch": {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "r1"}}})
    }

    #[test]
    fn the_planes_answer() {
        let response = encode(operation("CreateInvalidation").unwrap(), &created().into()).unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["location"], "https://x/I1");
        assert_eq!(response.headers()["content-type"], "text/xml");
        assert_eq!(
            String::from_utf8_lossy(response.body()),
            "<?xml version=\"1.0\"?>\n<Invalidation xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
             <Id>I1</Id><Status>InProgress</Status><CreateTime>t</CreateTime><InvalidationBatch><Paths><Quantity>1</Quantity>\
             <Items><Path>/*</Path></Items></Paths><CallerReference>r1</CallerReference></InvalidationBatch></Invalidation>"
        );
        let response = encode(operation("DeleteDistributionTenant").unwrap(), &Document::Null).unwrap();
        assert_eq!(
            (response.status().as_u16(), response.body().len(), response.headers().len()),
            (204, 0, 0)
        );
        let bad = json!({"Location": "a\nb"});
        let error = encode(operation("CreateInvalidation").unwrap(), &bad.into()).unwrap_err();
        assert_eq!(error, EncodeError::Header { name: "Location" });
    }

    fn check(name: &str, headers: &[(&'static str, &[u8])], body: &str, expected: Value) {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap()));
        let output = decode(operation(name).unwrap(), &headers.collect(), body.as_bytes()).unwrap();
        assert_eq!(Value::from(output).to_string(), expected.to_string());
    }

    #[test]
    fn the_client_reads_headers_first() {
        check(
            "GetDistributionTenant",
            &[("etag", b"E1")],
            "<DistributionTenant><Name>n</Name><Id>dt_1</Id></DistributionTenant>",
            json!({"ETag": "E1", "DistributionTenant": {"Id": "dt_1", "Name": "n"}}),
        );
        check(
            "CreateInvalidation",
            &[("location", b"caf\xe9")],
            "",
            json!({"Location": "café", "Invalidation": {}}),
        );
        check(
            "CreateInvalidation",
            &[],
            "<ErrorResponse><Error/></ErrorResponse>",
            json!({"Invalidation": {}}),
        );
        check("GetFunction", &[("etag", b"E")], "hi!?", json!({"ETag": "E", "FunctionCode": "aGkhPw=="}));
        check("DeleteDistributionTenant", &[("etag", b"E")], "not XML", json!({}));
        check("ListDistributionTenants", &[], "", json!({}));
        check(
            "ListDistributionTenants",
            &[],
            "<Any><NextMarker>m</NextMarker><DistributionTenantList><X><Id>a</Id></X></DistributionTenantList></Any>",
            json!({"NextMarker": "m", "DistributionTenantList": [{"Id": "a"}]}),
        );
        assert!(
            decode(operation("CreateInvalidation").unwrap(), &HeaderMap::new(), b"<Invalidation>").is_err()
        );
    }
}
