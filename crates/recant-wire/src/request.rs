//! An operation's input as an HTTP request, and back.
//!
//! Each member of the input has a place: a label of the path, a parameter of the query, a header, or the body, where
//! either one member is the whole document or all that are left are its elements.

use std::borrow::Cow;

use http::{HeaderMap, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use thiserror::Error;

use crate::document::{Document, Members};
use crate::model::{Kind, Labels, Location, Member, Operation, label, split_uri};
use crate::xml::{self, EncodeError, Order, XmlError};

/// What the AWS CLI leaves alone in labels and in the query: RFC 3986's unreserved characters.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request before it has a host and a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The operation's.
    pub method: Method,
    /// From `/2020-05-31/` on, percent-encoded.
    pub path: String,
    /// Without the question mark, percent-encoded.
    pub query: Option<String>,
    /// Only those that members travel in.
    pub headers: Vec<(&'static str, String)>,
    /// XML, or nothing.
    pub body: Vec<u8>,
}

/// Spells an operation's input: the client.
///
/// What was given goes out in the order it was given in, unchecked (see [`validate`](crate::validate)). An operation whose
/// whole input is the body has an empty body when no member of it is given.
///
/// # Errors
/// A label that was not given, or a value that is not of its shape.
pub fn encode(operation: &Operation, input: &Document) -> Result<Request, EncodeError> {
    let none = Members::new();
    let given = input.as_structure().unwrap_or(&none);
    let (pattern, constant) = split_uri(operation.uri);
    let mut query: Vec<String> = constant.map(str::to_owned).into_iter().collect();
    let mut headers = Vec::new();
    for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
        let Some(member) = operation.input.member(name) else {
            return Err(EncodeError::UnknownMember { path: name.to_owned() });
        };
        match member.location {
            Location::Query => {
                query.push(format!("{}={}", escape(member.wire_name), escape(&text(member, value)?)));
            }
            Location::Header => headers.push((member.wire_name, text(member, value)?)),
            Location::Uri | Location::Body => {}
        }
    }
    Ok(Request {
        method: operation.method.clone(),
        path: path(operation, pattern, given)?,
        query: (!query.is_empty()).then(|| query.join("&")),
        headers,
        body: body(operation, given, input)?.into_bytes(),
    })
}

/// Why a request does not say what its operation needs to know.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// The body.
    #[error(transparent)]
    Body(#[from] XmlError),
    /// A parameter of the query or a header.
    #[error("{name}: {expected} expected, '{found}' found")]
    Value {
        /// The name on the wire.
        name: &'static str,
        /// The kind, in words.
        expected: &'static str,
        /// The beginning of the text.
        found: String,
    },
    /// A label of the path, a parameter of the query or a header with a character that the body could not have: so nothing
    /// can come in by them that no answer could tell, or no store keep.
    #[error("{name}: the character U+{:04X} is not allowed", u32::from(*character))]
    Character {
        /// The name on the wire.
        name: &'static str,
        /// The character.
        character: char,
    },
}

/// Reads an operation's input: the plane. Labels come from [`route`](crate::model::route); `query` is still encoded.
///
/// Members come out in the order of the model. What was not given is not there, required or not; so an empty body gives no
/// member of the body.
///
/// # Errors
/// See [`RequestError`].
pub fn decode(
    operation: &Operation,
    labels: &Labels,
    query: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Document, RequestError> {
    let mut in_body = match (body, operation.input.payload(), operation.input_root) {
        ([], _, _) => Members::new(),
        (body, Some(payload), _) => {
            let value = xml::decode(payload.shape, payload.wire_name, body)?;
            Members::from_iter([(payload.name, value)])
        }
        (body, None, Some(root)) => match xml::decode(operation.input, root, body)? {
            Document::Structure(members) => members,
            _ => Members::new(),
        },
        (_, None, None) => Members::new(),
    };
    let mut input = Members::new();
    for member in operation.members() {
        let text = match member.location {
            Location::Body => {
                input.extend(in_body.remove(member.name).map(|value| (member.name, value)));
                continue;
            }
            Location::Uri => labels.get(member.wire_name).map(str::to_owned),
            Location::Query => parameter(query.unwrap_or(""), member.wire_name),
            Location::Header => headers.get(member.wire_name).map(|value| latin1(value.as_bytes())),
        };
        let Some(text) = text else { continue };
        if let Some(character) = text.chars().find(|char| !xml::is_legal(*char)) {
            return Err(RequestError::Character { name: member.wire_name, character });
        }
        let value = xml::read_scalar(&member.shape.kind, text, true).map_err(|bad| RequestError::Value {
            name: member.wire_name,
            expected: bad.expected,
            found: bad.found,
        })?;
        input.extend([(member.name, value)]);
    }
    Ok(Document::Structure(input))
}

/// Header values are bytes; both sides read them as Latin-1, as the AWS SDKs do.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn path(operation: &Operation, pattern: &'static str, given: &Members) -> Result<String, EncodeError> {
    let segments = pattern.split('/').map(|segment| {
        let Some(wire_name) = label(segment) else { return Ok(segment.to_owned()) };
        let members = operation.members().iter();
        let member = members.into_iter().find(|m| m.location == Location::Uri && m.wire_name == wire_name);
        let member = member.expect("a label of a URI is a member of the input");
        match given.get(member.name) {
            None | Some(Document::Null) => Err(EncodeError::MissingLabel { name: member.name }),
            Some(value) => Ok(escape(&text(member, value)?)),
        }
    });
    Ok(segments.collect::<Result<Vec<_>, _>>()?.join("/"))
}

fn body(operation: &Operation, given: &Members, input: &Document) -> Result<String, EncodeError> {
    if let Some(payload) = operation.input.payload() {
        return match given.get(payload.name) {
            None | Some(Document::Null) => Ok(String::new()),
            Some(value) => xml::encode(payload.shape, payload.wire_name, value, Order::AsGiven),
        };
    }
    let in_body =
        |name: &str| operation.input.member(name).is_some_and(|member| member.location == Location::Body);
    match operation.input_root {
        Some(root) if given.iter().any(|(name, value)| in_body(name) && !value.is_null()) => {
            xml::encode(operation.input, root, input, Order::AsGiven)
        }
        _ => Ok(String::new()),
    }
}

fn text(member: &Member, value: &Document) -> Result<String, EncodeError> {
    // Where a flag travels in a header or the query it is spelled as in XML; nothing else needs the kind.
    let kind = if matches!(value, Document::Boolean(_)) { &Kind::Boolean } else { &member.shape.kind };
    let mismatch = || EncodeError::Mismatch {
        path: member.name.to_owned(),
        expected: "a scalar",
        found: "a structure or list",
    };
    xml::write_scalar(kind, value).map(Cow::into_owned).ok_or_else(mismatch)
}

fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let decode = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    query.split('&').find_map(|parameter| {
        let (own, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        (decode(own) == name).then(|| decode(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{operation, route};
    use http::HeaderValue;
    use serde_json::{Value, json};

    const NS: &str = "http://cloudfront.amazonaws.com/doc/2020-05-31/";

    fn check(name: &str, input: Value, line: &str, headers: &[(&str, &str)], body: &str) {
        let operation = operation(name).unwrap();
        let request = encode(operation, &input.into()).unwrap();
        let query = request.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        assert_eq!(format!("{} {}{query}", request.method, request.path), line);
        let given: Vec<_> = request.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(given, headers);
        assert_eq!(String::from_utf8(request.body).unwrap(), body.replace("NS", &format!("xmlns=\"{NS}\"")));
    }

    /// Bodies and lines as the AWS CLI 2.36.7 was seen to send them.
    #[test]
    fn requests_of_the_aws_cli() {
        check(
            "CreateInvalidationForDistributionTenant",
            json!({"Id": "dt_a/b %c~", "InvalidationBatch":
                {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "r1"}}),
            "POST /2020-05-31/distribution-tenant/dt_a%2Fb%20%25c~/invalidation",
            &[],
            "<InvalidationBatch NS><Paths><Quantity>1</Quantity><Items><Path>/*</Path></Items></Paths>\
             <CallerReference>r1</CallerReference></InvalidationBatch>",
        );
        check(
            "ListInvalidationsForDistributionTenant",
            json!({"Id": "", "MaxItems": 2, "Marker": ""}),
            "GET /2020-05-31/distribution-tenant//invalidation?MaxItems=2&Marker=",
            &[],
            "",
        );
        check(
            "UpdateDistributionTenant",
            json!({"Id": "..", "IfMatch": "\"E1\""}),
            "PUT /2020-05-31/distribution-tenant/..",
            &[("If-Match", "\"E1\"")],
            "",
        );
        let tenants = "POST /2020-05-31/distribution-tenants";
        check("ListDistributionTenants", json!({"Marker": null}), tenants, &[], "");
        check(
            "CreateDistributionTenant",
            json!({"Name": "t", "Domains": [{"Domain": "a.example"}], "Tags": {"Items": []}, "Enabled": true}),
            "POST /2020-05-31/distribution-tenant",
            &[],
            "<CreateDistributionTenantRequest NS><Name>t</Name><Domains><member><Domain>a.example</Domain></member></Domains>\
             <Tags><Items /></Tags><Enabled>true</Enabled></CreateDistributionTenantRequest>",
        );
        check(
            "UntagResource",
            json!({"Resource": "arn:aws:x", "TagKeys": {"Items": ["k"]}}),
            "POST /2020-05-31/tagging?Operation=Untag&Resource=arn%3Aaws%3Ax",
            &[],
            "<TagKeys NS><Items><Key>k</Key></Items></TagKeys>",
        );
        check(
            "CopyDistribution",
            json!({"PrimaryDistributionId": "E1", "Staging": true, "CallerReference": "r"}),
            "POST /2020-05-31/distribution/E1/copy",
            &[("Staging", "true")],
            "<CopyDistributionRequest NS><CallerReference>r</CallerReference></CopyDistributionRequest>",
        );
    }

    #[test]
    fn labels_have_to_be_given() {
        let get = operation("GetInvalidation").unwrap();
        let error = encode(get, &json!({"Id": "I1", "DistributionId": null}).into()).unwrap_err();
        assert_eq!(error, EncodeError::MissingLabel { name: "DistributionId" });
        let error = encode(get, &json!({"Ids": "I1"}).into()).unwrap_err();
        assert_eq!(error, EncodeError::UnknownMember { path: "Ids".into() });
    }

    fn read(
        method: Method,
        target: &str,
        headers: &[(&'static str, &'static str)],
        body: &str,
    ) -> Result<Value, String> {
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let found = route(&method, path, query).unwrap();
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        let input = decode(found.operation, &found.labels, query, &headers.collect(), body.as_bytes());
        input.map(Value::from).map_err(|error| error.to_string())
    }

    #[test]
    fn the_plane_reads_each_place() {
        assert_eq!(
            read(
                Method::PUT,
                "/2020-05-31/distribution-tenant/dt%2F1",
                &[("if-match", "E1")],
                "<UpdateDistributionTenantRequest><Enabled>false</Enabled><DistributionId>E</DistributionId>\
                 </UpdateDistributionTenantRequest>"
            ),
            Ok(json!({"Id": "dt/1", "DistributionId": "E", "IfMatch": "E1", "Enabled": false}))
        );
        assert_eq!(
            read(Method::GET, "/2020-05-31/distribution-tenant?domain=a%20%C3%A9", &[], "ignored"),
            Ok(json!({"Domain": "a é"}))
        );
        let list = "/2020-05-31/distribution-tenant/d/invalidation";
        assert_eq!(
            read(Method::GET, &format!("{list}?MaxItems=7&Marker="), &[], ""),
            Ok(json!({"Id": "d", "Marker": "", "MaxItems": 7}))
        );
        assert_eq!(
            read(Method::GET, &format!("{list}?MaxItems=+7"), &[], ""),
            Err("MaxItems: a 32-bit integer expected, '+7' found".into())
        );
        assert_eq!(
            read(Method::GET, "/2020-05-31/distribution-tenant/d%00", &[], ""),
            Err("Identifier: the character U+0000 is not allowed".into())
        );
        assert_eq!(
            read(Method::GET, &format!("{list}?Marker=%EF%BF%BE"), &[], ""),
            Err("Marker: the character U+FFFE is not allowed".into())
        );
        assert_eq!(read(Method::POST, list, &[], ""), Ok(json!({"Id": "d"})));
        assert_eq!(
            read(Method::POST, list, &[], "<Paths/>"),
            Err("the root element is 'Paths' where 'InvalidationBatch' is expected".into())
        );
    }
}
