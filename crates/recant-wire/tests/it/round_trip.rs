//! The client's request is what the plane reads, and the plane's response what the client reads, for every operation.

use http::HeaderMap;
use proptest::prelude::*;
use recant_wire::model::{self, Kind, Location, Operation, Shape, route};
use recant_wire::{Document, Members, request, response};

use crate::xml::document;

/// A value for each member of an input or output that the filter lets through; text in labels and headers is plain.
fn values(shape: &'static Shape, wanted: fn(Location) -> bool) -> BoxedStrategy<Members> {
    let members: Vec<_> = shape
        .members()
        .iter()
        .filter(|member| wanted(member.location))
        .map(|member| {
            let value = match (&member.location, &member.shape.kind) {
                (Location::Header, Kind::String) => "[!-~]{1,9}".prop_map(Document::String).boxed(),
                _ => document(member.shape),
            };
            value.prop_map(move |value| (member.name, value))
        })
        .collect();
    members.prop_map(Members::from_iter).boxed()
}

fn call() -> impl Strategy<Value = (&'static Operation, Members, Members)> {
    prop::sample::select(model::operations().iter().collect::<Vec<_>>()).prop_flat_map(|operation| {
        let output =
            operation.output.map_or_else(|| Just(Members::new()).boxed(), |shape| values(shape, |_| true));
        (Just(operation), values(operation.input, |_| true), output)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_input_arrives((operation, input, _) in call()) {
        let input = Document::Structure(input);
        let sent = request::encode(operation, &input).unwrap();
        let found = route(&sent.method, &sent.path, sent.query.as_deref()).unwrap();
        prop_assert_eq!(found.operation.name, operation.name);
        let headers: HeaderMap =
            sent.headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let read = request::decode(operation, &found.labels, sent.query.as_deref(), &headers, &sent.body);
        prop_assert_eq!(read.map(plain), Ok(plain(input)));
    }

    #[test]
    fn an_output_arrives((operation, _, output) in call()) {
        let output = Document::Structure(output);
        let sent = response::encode(operation, &output).unwrap();
        let read = response::decode(operation, sent.headers(), sent.body()).unwrap();
        let (Document::Structure(read), Document::Structure(output)) = (read, output) else { unreachable!() };
        let headers_first = |members: &Members| {
            let is_header = |name: &str| {
                operation.output.and_then(|shape| shape.member(name)).is_some_and(|m| m.location == Location::Header)
            };
            let mut all: Vec<_> = members.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
            all.sort_by_key(|(name, _)| !is_header(name));
            all
        };
        prop_assert_eq!(read.into_iter().collect::<Vec<_>>(), headers_first(&output));
    }
}

/// The client leaves a carriage return raw, as the AWS CLI does, so that a reader makes a line feed of it.
fn plain(document: Document) -> Document {
    match document {
        Document::String(text) => Document::String(text.replace("\r\n", "\n").replace('\r', "\n")),
        Document::Timestamp(text) => Document::Timestamp(text.replace("\r\n", "\n").replace('\r', "\n")),
        Document::List(values) => Document::List(values.into_iter().map(plain).collect()),
        Document::Structure(members) => {
            Document::structure(members.into_iter().map(|(name, value)| (name, plain(value))))
        }
        other => other,
    }
}
