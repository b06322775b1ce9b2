//! Reading XML: what is taken, what is refused and in which words, and that writing and reading agree on any document.

use proptest::collection::vec;
use proptest::prelude::*;
use recant_wire::Document;
use recant_wire::error::ErrorDocument;
use recant_wire::model::{self, Kind, Location, Shape};
use recant_wire::xml::{self, Order};
use serde_json::{Value, json};

fn batch() -> &'static Shape {
    model::operation("CreateInvalidation").unwrap().input.payload().unwrap().shape
}

fn check(body: &str, expected: Result<Value, &str>) {
    let read = xml::decode(batch(), "InvalidationBatch", body.as_bytes());
    let read = read.map(Value::from).map_err(|error| error.to_string());
    assert_eq!(read, expected.map_err(str::to_owned), "{body}");
}

fn reference(content: &str, expected: Result<&str, &str>) {
    let body = format!("<InvalidationBatch><CallerReference>{content}</CallerReference></InvalidationBatch>");
    check(&body, expected.map(|text| json!({"CallerReference": text})));
}

#[test]
fn any_spelling_of_a_document_is_read() {
    let expected = || Ok(json!({"Paths": {"Quantity": 1, "Items": ["/*", ""]}, "CallerReference": "r1"}));
    let body = "<Paths><Quantity>1</Quantity><Items><Path>/*</Path><Path/></Items></Paths><CallerReference>r1</CallerReference>";
    check(&format!("<InvalidationBatch>{body}</InvalidationBatch>"), expected());
    check(
        "\u{feff}<?xml version='1.0' encoding='UTF-8'?>\n<!-- c --><?pi x?><c:InvalidationBatch xmlns:c='urn:x' xsi:type='t'>
            <c:CallerReference a='1'>r1</c:CallerReference>
            <Paths> <Items><Path>/*</Path><member></member></Items> <!-- c --> <Quantity>1</Quantity> </Paths>
        </c:InvalidationBatch>\n<!-- the end -->",
        expected(),
    );
    check("<InvalidationBatch/>", Ok(json!({})));
    check("<InvalidationBatch><Paths /></InvalidationBatch>", Ok(json!({"Paths": {}})));
}

#[test]
fn text_is_joined_and_kept() {
    reference(" a\n\tb ", Ok(" a\n\tb "));
    reference("a&amp;b&lt;c&#x41;&#66;&quot;&apos;&gt;", Ok("a&b<cAB\"'>"));
    reference("a<![CDATA[<&amp;>]]>b<!-- c -->c<?p?>d", Ok("a<&amp;>bcd"));
    // XML 1.0 section 2.11: line ends are normalised, references to them are not.
    reference("a\r\nb\rc&#13;", Ok("a\nb\nc\r"));
    reference("日本 é 🎉", Ok("日本 é 🎉"));
}

#[test]
fn what_is_wrong_is_named() {
    let quantity = |text: &str, message: &str| {
        let body =
            format!("<InvalidationBatch><Paths><Quantity>{text}</Quantity></Paths></InvalidationBatch>");
        check(&body, Err(message));
    };
    for text in ["one", "", " 1", "+1", "1.0", "0x1", "2147483648", "99999999999999999999999"] {
        quantity(
            text,
            &format!("InvalidationBatch.Paths.Quantity: a 32-bit integer expected, '{text}' found"),
        );
    }
    quantity("<b>1</b>", "InvalidationBatch.Paths.Quantity: text expected, an element found");
    check(
        "<InvalidationBatch><Paths>/a</Paths></InvalidationBatch>",
        Err("InvalidationBatch.Paths: elements expected, text found"),
    );
    check(
        "<InvalidationBatch><Paths><Items><Path>/a</Path>/b</Items></Paths></InvalidationBatch>",
        Err("InvalidationBatch.Paths.Items: elements expected, text found"),
    );
    check(
        "<InvalidationBatch><Paths><Items><Path/><Path><x/></Path></Items></Paths></InvalidationBatch>",
        Err("InvalidationBatch.Paths.Items[1]: text expected, an element found"),
    );
    check(
        "<InvalidationBatch><Paths/><Paths/></InvalidationBatch>",
        Err("InvalidationBatch.Paths: the element is there more than once"),
    );
    let unknown = "<Unknown><Paths>x</Paths><Deep><er/></Deep></Unknown>";
    for (body, path) in [
        (format!("<InvalidationBatch>{unknown}<CallerReference/></InvalidationBatch>"), "Unknown"),
        (format!("<InvalidationBatch><Paths>{unknown}</Paths></InvalidationBatch>"), "Paths.Unknown"),
    ] {
        let message = format!("InvalidationBatch.{path}: the API (2020-05-31) has no such member");
        check(&body, Err(&message));
        // The client reads what a newer service says.
        xml::decode_lenient(batch(), body.as_bytes()).unwrap();
    }
    check("<Paths/>", Err("the root element is 'Paths' where 'InvalidationBatch' is expected"));
}

#[test]
fn what_is_no_document_is_refused() {
    let refused = |body: &[u8], expected: &str| {
        let error = xml::decode(batch(), "InvalidationBatch", body).unwrap_err().to_string();
        assert!(error.contains(expected), "{body:?}: {error}");
        if !error.contains("is expected") {
            assert!(xml::decode_lenient(batch(), body).is_err(), "{body:?}");
        }
    };
    refused(b"", "no root element");
    refused(b"{}", "text outside of the root element");
    refused(b"<InvalidationBatch>", "it ends within an element");
    refused(b"<InvalidationBatch></Paths>", "not well-formed");
    refused(b"<InvalidationBatch/><InvalidationBatch/>", "a second root element");
    refused(b"<InvalidationBatch/>x", "text outside of the root element");
    refused(b"</InvalidationBatch>", "not well-formed");
    refused(b"<InvalidationBatch>\xff</InvalidationBatch>", "not UTF-8: byte 19");
    refused(b"<InvalidationBatch>&x;</InvalidationBatch>", "unknown reference '&x;'");
    refused(b"<InvalidationBatch>&#0;</InvalidationBatch>", "unknown reference '&#0;'");
    refused(b"<InvalidationBatch>&#1;</InvalidationBatch>", "the character U+0001 is not allowed");
    refused(b"<InvalidationBatch>\x0b</InvalidationBatch>", "the character U+000B is not allowed");
    refused(b"<InvalidationBatch>& b</InvalidationBatch>", "not well-formed");
    refused(b"<!DOCTYPE x><InvalidationBatch/>", "document type");
    refused(b"<!DOCTYPE x [<!ENTITY a 'b'>]><InvalidationBatch>&a;</InvalidationBatch>", "document type");
    refused(b"<Other/>", "is expected");
}

#[test]
fn documents_have_bounds() {
    let nested = |depth: usize| {
        let (open, close) = ("<a>".repeat(depth - 1), "</a>".repeat(depth - 1));
        xml::decode_lenient(
            batch(),
            format!("<InvalidationBatch>{open}{close}</InvalidationBatch>").as_bytes(),
        )
    };
    assert!(nested(32).is_ok());
    assert_eq!(nested(33), Err(xml::XmlError::TooDeep));
    assert_eq!(nested(100_000), Err(xml::XmlError::TooDeep));
    let wide = "<Path/>".repeat(500_000);
    let wide = format!("<InvalidationBatch><Paths><Items>{wide}</Items></Paths></InvalidationBatch>");
    assert_eq!(
        xml::decode(batch(), "InvalidationBatch", wide.as_bytes()),
        Err(xml::XmlError::TooManyElements)
    );
    let long = vec![b' '; 16 * 1024 * 1024 + 1];
    assert_eq!(xml::decode(batch(), "x", &long), Err(xml::XmlError::TooLarge { bytes: long.len() }));
}

#[test]
fn the_client_forgives_what_the_sdks_do() {
    let check = |body: &str, expected: Value| {
        let read = xml::decode_lenient(batch(), body.as_bytes()).map(Value::from);
        assert_eq!(read, Ok(expected), "{body}");
    };
    check(
        "<Other><CallerReference>a</CallerReference><CallerReference>b</CallerReference></Other>",
        json!({"CallerReference": "a"}),
    );
    check("<X>text<Paths>more<Quantity> 7\n</Quantity></Paths></X>", json!({"Paths": {"Quantity": 7}}));
    check("<X><CallerReference>a<b>c</b>d</CallerReference></X>", json!({"CallerReference": "ad"}));
    let bad = xml::decode_lenient(batch(), b"<X><Paths><Quantity>x</Quantity></Paths></X>").unwrap_err();
    assert_eq!(bad.to_string(), "X.Paths.Quantity: a 32-bit integer expected, 'x' found");
}

/// Any document of a shape, with some of the members, in the order of the model.
pub(crate) fn document(shape: &'static Shape) -> BoxedStrategy<Document> {
    match &shape.kind {
        Kind::Structure(structure) => {
            let body = structure.members.iter().filter(|member| member.location == Location::Body);
            let members: Vec<_> = body
                .map(|member| {
                    let name = member.name;
                    (prop::bool::weighted(0.3), Just(member.shape)).prop_flat_map(move |(given, shape)| {
                        match given {
                            true => document(shape).prop_map(move |value| Some((name, value))).boxed(),
                            false => Just(None).boxed(),
                        }
                    })
                })
                .collect();
            members.prop_map(|members| Document::structure(members.into_iter().flatten())).boxed()
        }
        Kind::List(list) => vec(document_later(list.element), 0..3).prop_map(Document::List).boxed(),
        Kind::String => text().prop_map(Document::String).boxed(),
        Kind::Timestamp => text().prop_map(Document::Timestamp).boxed(),
        Kind::Integer => any::<i32>().prop_map(Document::from).boxed(),
        Kind::Long => any::<i64>().prop_map(Document::from).boxed(),
        Kind::Float | Kind::Double => prop::num::f64::NORMAL.prop_map(Document::from).boxed(),
        Kind::Boolean => any::<bool>().prop_map(Document::from).boxed(),
        Kind::Blob => vec(any::<u8>(), 0..9).prop_map(Document::Blob).boxed(),
    }
}

fn document_later(shape: &'static Shape) -> impl Strategy<Value = Document> {
    Just(shape).prop_flat_map(document)
}

/// Text that XML can hold.
fn text() -> impl Strategy<Value = String> {
    vec(
        prop_oneof![
            Just('&'),
            Just('<'),
            Just('>'),
            Just(']'),
            Just('\r'),
            Just('\n'),
            Just(' '),
            "[!-~é日🎉]".prop_map(|one: String| one.chars().next().unwrap())
        ],
        0..9,
    )
    .prop_map(|characters| characters.into_iter().collect())
}

/// A body of any operation, and a document for it.
fn operation_body() -> impl Strategy<Value = (&'static Shape, &'static str, Document)> {
    let bodies: Vec<(&'static Shape, &'static str)> = model::operations()
        .iter()
        .flat_map(|operation| [Some(operation.input), operation.output].into_iter().flatten())
        .map(|shape| {
            shape.payload().map_or((shape, shape.name), |payload| (payload.shape, payload.wire_name))
        })
        .filter(|(shape, _)| matches!(shape.kind, Kind::Structure(_)))
        .collect();
    prop::sample::select(bodies).prop_flat_map(|(shape, root)| {
        document_later(shape).prop_map(move |document| (shape, root, document))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_again((shape, root, document) in operation_body()) {
        let text = xml::encode(shape, root, &document, Order::Model).unwrap();
        prop_assert_eq!(&xml::decode(shape, root, text.as_bytes()), &Ok(document.clone()));
        prop_assert_eq!(xml::decode_lenient(shape, text.as_bytes()), Ok(document));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..64)) {
        let _ = xml::decode(batch(), "InvalidationBatch", &bytes);
        let _ = xml::decode_lenient(batch(), &bytes);
        let _ = ErrorDocument::read(&bytes);
    }

    #[test]
    fn no_damage_makes_it_panic(
        (shape, root, document) in operation_body(), at in any::<prop::sample::Index>(),
        new in prop::sample::select(vec!["", "<", ">", "&", "</", "<!", "<![CDATA[", "<?", "]]>", "\0", "é", "<a>", "&#"]),
        len in 0..4_usize
    ) {
        let mut bytes = xml::encode(shape, root, &document, Order::Model).unwrap().into_bytes();
        let at = at.index(bytes.len());
        bytes.splice(at..(at + len).min(bytes.len()), new.bytes());
        let strict = xml::decode(shape, root, &bytes);
        prop_assert!(strict.is_err() || xml::decode_lenient(shape, &bytes).is_ok());
    }
}
