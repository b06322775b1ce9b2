//! The API as data: CloudFront 2020-05-31, all of its operations and shapes.
//!
//! The tables in `data.rs` are written by `cargo xtask api-model` from the public botocore package; the types
//! here say what they hold. Documentation text is left out, and so are traits that no CloudFront shape has
//! (flattened lists, maps, attributes, timestamp formats, streams, idempotency
//! tokens): the extraction refuses a model that has one.
//!
//! The tables are `static` Rust values that refer to each other. The client starts in some two milliseconds and
//! needs one operation of 167: there is nothing to parse, to allocate or to look up but that operation's name, and the
//! pages of the others are not even read. A text or binary format would need a reader, an index and an answer for
//! what happens when it is damaged; here the compiler has checked every reference.

use http::Method;

pub(crate) mod build;
#[rustfmt::skip]
mod data;
mod route;

pub use route::{Labels, Route, route};
pub(crate) use route::{label, split_uri};

/// The XML namespace of every document, on its root element.
pub const NAMESPACE: &str = "http://cloudfront.amazonaws.com/doc/2020-05-31/";

/// All operations, in the order of their names.
pub fn operations() -> &'static [Operation] {
    &data::OPERATIONS
}

/// The operation of that name (`CreateInvalidation`).
pub fn operation(name: &str) -> Option<&'static Operation> {
    let at = data::OPERATIONS.binary_search_by(|operation| operation.name.cmp(name)).ok()?;
    Some(&data::OPERATIONS[at])
}

/// The operation that the command line calls so (`create-invalidation`).
pub fn operation_by_cli_name(name: &str) -> Option<&'static Operation> {
    data::OPERATIONS.iter().find(|operation| operation.cli_name == name)
}

/// All waiters, in the order of their names.
pub fn waiters() -> &'static [Waiter] {
    &data::WAITERS
}

/// The waiter that the command line calls so (`invalidation-completed`).
pub fn waiter_by_cli_name(name: &str) -> Option<&'static Waiter> {
    data::WAITERS.iter().find(|waiter| waiter.cli_name == name)
}

/// The declared error of that code (`NoSuchDistribution`), whichever operation declares it.
pub fn error(code: &str) -> Option<&'static ErrorShape> {
    let at = data::ERRORS.binary_search_by(|error| error.code.cmp(code)).ok()?;
    Some(data::ERRORS[at])
}

/// One call of the API.
#[derive(Debug)]
pub struct Operation {
    /// As in the API: `CreateInvalidation`.
    pub name: &'static str,
    /// As on the command line: `create-invalidation`.
    pub cli_name: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// Path with `{labels}`, and the constant part of the query if there is one: `/2020-05-31/tagging?Operation=Tag`.
    pub uri: &'static str,
    /// The status of a success.
    pub success: u16,
    /// A structure, also if it has no members.
    pub input: &'static Shape,
    /// Name of the root element where the input itself is the body; none where a member is, or nothing.
    pub input_root: Option<&'static str>,
    /// A structure; none if a success carries nothing.
    pub output: Option<&'static Shape>,
    /// The errors that it declares; any call may fail with others.
    pub errors: &'static [&'static ErrorShape],
    /// How the client walks its pages, if the client does.
    pub paginator: Option<Paginator>,
    /// Whether the model says that it may be repeated.
    pub idempotent: bool,
}

impl Operation {
    /// The members of the input, in order.
    pub fn members(&self) -> &'static [Member] {
        self.input.members()
    }

    /// The member of the output that is bytes, and the whole body: a function's code. The command line writes it to a file.
    pub fn streamed(&self) -> Option<&'static Member> {
        self.output?.payload().filter(|payload| matches!(payload.shape.kind, Kind::Blob))
    }
}

/// What a value looks like.
#[derive(Debug)]
pub struct Shape {
    /// As in the API: `InvalidationBatch`.
    pub name: &'static str,
    /// What kind of value, and its parts.
    pub kind: Kind,
    /// Smallest length of a string, blob or list; smallest number.
    pub min: Option<i64>,
    /// Largest length or number. Not checked by clients.
    pub max: Option<i64>,
    /// The values of an enumeration; empty if any string will do. Not checked by clients.
    pub values: &'static [&'static str],
    /// Whether the value must not be logged.
    pub sensitive: bool,
}

impl Shape {
    /// The members of a structure, in order; none of anything else.
    pub fn members(&self) -> &'static [Member] {
        match &self.kind {
            Kind::Structure(structure) => structure.members,
            _ => &[],
        }
    }

    /// The member of that name.
    pub fn member(&self, name: &str) -> Option<&'static Member> {
        self.members().iter().find(|member| member.name == name)
    }

    /// The member that is the whole body, if the structure says so.
    pub fn payload(&self) -> Option<&'static Member> {
        match &self.kind {
            Kind::Structure(Structure { payload: Some(name), .. }) => self.member(name),
            _ => None,
        }
    }
}

/// The kinds of values.
#[derive(Debug)]
pub enum Kind {
    /// Named members.
    Structure(Structure),
    /// Elements of one shape.
    List(List),
    /// Text, or one of [`Shape::values`].
    String,
    /// A 32-bit whole number; clients check no upper bound.
    Integer,
    /// A 64-bit whole number.
    Long,
    /// A number.
    Float,
    /// A number.
    Double,
    /// `true` or `false`.
    Boolean,
    /// ISO 8601 on the wire.
    Timestamp,
    /// Bytes: base64 in XML, as they are where they are the whole body.
    Blob,
}

/// The parts of a structure.
#[derive(Debug)]
pub struct Structure {
    /// In order.
    pub members: &'static [Member],
    /// Name of the member that is the whole body.
    pub payload: Option<&'static str>,
    /// Whether exactly one member has to be given.
    pub union: bool,
}

/// The parts of a list.
#[derive(Debug)]
pub struct List {
    /// The shape of each element.
    pub element: &'static Shape,
    /// The XML name of each element; `member` where the API names none.
    pub element_name: &'static str,
}

/// One member of a structure.
#[derive(Debug)]
pub struct Member {
    /// As in the API: `IfMatch`.
    pub name: &'static str,
    /// As an option of the command line, without dashes in front: `if-match`.
    pub cli_name: &'static str,
    /// The name at its location: an element, a label, a query parameter, a header (`If-Match`).
    pub wire_name: &'static str,
    /// The shape of its value.
    pub shape: &'static Shape,
    /// Where it travels.
    pub location: Location,
    /// Whether it has to be given.
    pub required: bool,
    /// Whether the API would rather not have it used.
    pub deprecated: bool,
}

/// Where a member of an input or output travels. Below those everything is [`Location::Body`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// An element of the body, or the body itself ([`Structure::payload`]).
    Body,
    /// A label of the path.
    Uri,
    /// A parameter of the query.
    Query,
    /// A header.
    Header,
}

/// A declared error. Each carries one member, `Message`.
#[derive(Debug)]
pub struct ErrorShape {
    /// As in the error document: `NoSuchDistribution`.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Whether the caller is to blame (`<Type>Sender</Type>`).
    pub sender: bool,
}

/// How a client walks the pages of a list.
#[derive(Debug)]
pub struct Paginator {
    /// The input member that says where to go on.
    pub input_token: &'static str,
    /// Path in the output to what the next page's token is.
    pub output_token: &'static str,
    /// The input member that bounds a page.
    pub limit_key: &'static str,
    /// Path in the output to the list.
    pub result_key: &'static str,
    /// Path in the output to the flag that says whether there is more; without it the token alone says so.
    pub more_results: Option<&'static str>,
}

/// How a client waits for a state.
#[derive(Debug)]
pub struct Waiter {
    /// As in the API: `InvalidationCompleted`.
    pub name: &'static str,
    /// As on the command line: `invalidation-completed`.
    pub cli_name: &'static str,
    /// The operation that is polled.
    pub operation: &'static str,
    /// Seconds between two polls.
    pub delay_seconds: u32,
    /// Polls at most.
    pub attempts_max: u32,
    /// Any of them ends the wait with success.
    pub acceptors: &'static [Acceptor],
}

/// When a waiter has what it waited for. CloudFront's waiters know no failure.
#[derive(Debug)]
pub struct Acceptor {
    /// Path in the output: `Invalidation.Status`.
    pub path: &'static str,
    /// The value that is waited for, compared exactly.
    pub expected: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_found_by_both_names() {
        assert_eq!(operations().len(), 167);
        assert!(operations().is_sorted_by(|a, b| a.name < b.name));
        assert!(data::ERRORS.is_sorted_by(|a, b| a.code < b.code));
        for each in operations() {
            assert!(std::ptr::eq(operation(each.name).unwrap(), each));
            assert!(std::ptr::eq(operation_by_cli_name(each.cli_name).unwrap(), each));
            assert!(each.payload_is_known(), "{}", each.name);
        }
        assert!(operation("CreateInvalidations").is_none());
        assert!(operation_by_cli_name("CreateInvalidation").is_none());
    }

    impl Operation {
        /// A payload names a member, and that member travels in the body.
        fn payload_is_known(&self) -> bool {
            [Some(self.input), self.output].into_iter().flatten().all(|shape| match &shape.kind {
                Kind::Structure(structure) => {
                    structure.payload.is_some()
                        == shape.payload().is_some_and(|m| m.location == Location::Body)
                }
                _ => false,
            })
        }
    }

    #[test]
    fn the_tenant_invalidation_is_as_documented() {
        let create = operation_by_cli_name("create-invalidation-for-distribution-tenant").unwrap();
        assert_eq!((create.method.as_str(), create.success), ("POST", 201));
        assert_eq!(create.uri, "/2020-05-31/distribution-tenant/{Id}/invalidation");
        let batch = create.input.payload().unwrap();
        assert_eq!(
            (batch.name, batch.cli_name, batch.required),
            ("InvalidationBatch", "invalidation-batch", true)
        );
        let items = batch.shape.member("Paths").unwrap().shape.member("Items").unwrap();
        assert!(matches!(&items.shape.kind, Kind::List(List { element_name: "Path", .. })));
        assert!(create.errors.iter().any(|error| error.code == "BatchTooLarge" && error.status == 413));
        assert_eq!(error("EntityNotFound").map(|error| error.status), Some(404));
    }

    #[test]
    fn names_on_the_command_line() {
        let check =
            |name: &str, expected: &str| assert_eq!(operation(name).map(|o| o.cli_name), Some(expected));
        check("GetDistributionTenantByDomain", "get-distribution-tenant-by-domain");
        check("ListDistributionsByWebACLId", "list-distributions-by-web-acl-id");
        check("CreateCloudFrontOriginAccessIdentity", "create-cloud-front-origin-access-identity");
        let member = operation("CreateConnectionGroup").unwrap().input.member("Ipv6Enabled").unwrap();
        assert_eq!(member.cli_name, "ipv6-enabled");
    }

    #[test]
    fn pages_and_waits() {
        let tenant = operation("ListInvalidationsForDistributionTenant").unwrap().paginator.as_ref().unwrap();
        assert_eq!((tenant.output_token, tenant.more_results), ("InvalidationList.NextMarker", None));
        let classic = operation("ListInvalidations").unwrap().paginator.as_ref().unwrap();
        assert_eq!(classic.more_results, Some("InvalidationList.IsTruncated"));
        let waiter = waiter_by_cli_name("invalidation-for-distribution-tenant-completed").unwrap();
        assert_eq!((waiter.delay_seconds, waiter.attempts_max), (20, 30));
        assert!(waiters().iter().all(|waiter| operation(waiter.operation).is_some()));
    }
}
