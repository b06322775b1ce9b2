//! Reading.

use std::borrow::Cow;
use std::fmt::Write as _;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use recant_core::limits::{API_BODY_BYTES_MAX, XML_DEPTH_MAX, XML_ELEMENTS_MAX};
use thiserror::Error;

use crate::base64;
use crate::document::{Document, Members};
use crate::model::{Kind, List, Location, Shape};

/// Why a document cannot be read. Positions are byte offsets; paths are dotted, from the root element on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum XmlError {
    /// More than [`API_BODY_BYTES_MAX`].
    #[error("the document has {bytes} bytes, {API_BODY_BYTES_MAX} are allowed")]
    TooLarge {
        /// What came.
        bytes: usize,
    },
    /// Another encoding, or damaged.
    #[error("the document is not UTF-8: byte {at}")]
    NotUtf8 {
        /// Where.
        at: usize,
    },
    /// Not well-formed.
    #[error("the document is not well-formed XML: byte {at}: {why}")]
    Malformed {
        /// Where.
        at: u64,
        /// In words.
        why: String,
    },
    /// A document type declaration: refused, whatever it declares.
    #[error("the document has a document type declaration, which is not allowed")]
    DocumentType,
    /// More than [`XML_DEPTH_MAX`].
    #[error("elements are nested more than {XML_DEPTH_MAX} deep")]
    TooDeep,
    /// More than [`XML_ELEMENTS_MAX`].
    #[error("there are more than {XML_ELEMENTS_MAX} elements")]
    TooManyElements,
    /// Another document than the one asked for.
    #[error("the root element is '{found}' where '{expected}' is expected")]
    Root {
        /// What the operation takes.
        expected: String,
        /// What came.
        found: String,
    },
    /// An element that its structure does not have: a slip of the pen, or of a newer API. Passing over it would be to say that it is
    /// honoured.
    #[error("{path}: the API (2020-05-31) has no such member")]
    Unknown {
        /// Which.
        path: String,
    },
    /// An element that may be there once.
    #[error("{path}: the element is there more than once")]
    Repeated {
        /// Which.
        path: String,
    },
    /// Text among elements, or an element among text.
    #[error("{path}: {expected} expected, {found} found")]
    Content {
        /// Where.
        path: String,
        /// Elements or text.
        expected: &'static str,
        /// The other.
        found: &'static str,
    },
    /// Text that is not of the member's kind.
    #[error("{path}: {expected} expected, '{found}' found")]
    Value {
        /// Which.
        path: String,
        /// The kind, in words.
        expected: &'static str,
        /// The beginning of the text.
        found: String,
    },
}

/// Reads a document whose root element has the name given, strictly: the plane.
///
/// A structure's members come out in the order of the model, whatever order they came in.
///
/// # Errors
/// Every [`XmlError`].
pub fn decode(shape: &Shape, root: &str, bytes: &[u8]) -> Result<Document, XmlError> {
    decode_by_root(bytes, true, |found| match found == root {
        true => Ok(shape),
        false => Err(XmlError::Root { expected: root.to_owned(), found: excerpt(found) }),
    })
}

/// Reads a document as the AWS SDKs do: the client. Any root element will do, the first of repeated elements counts,
/// and what is out of place is left out; a damaged document and a number that is none are errors all the same.
///
/// # Errors
/// Those of a document that is not XML, is too large or deep, and [`XmlError::Value`].
pub fn decode_lenient(shape: &Shape, bytes: &[u8]) -> Result<Document, XmlError> {
    decode_by_root(bytes, false, |_| Ok(shape))
}

/// Reads a document whose shape depends on the root element's name.
fn decode_by_root<'s>(
    bytes: &[u8],
    strict: bool,
    choose: impl FnOnce(&str) -> Result<&'s Shape, XmlError>,
) -> Result<Document, XmlError> {
    let mut source = Source::new(checked_text(bytes)?);
    let root = loop {
        match source.next()? {
            Part::Open(root) => break root,
            Part::Text(text) => source.only_space(&text)?,
            Part::Close | Part::End => return Err(source.malformed("no root element")),
        }
    };
    let mut decoder = Decoder { strict, path: vec![Step::Root(excerpt(local(&root)))], source };
    let document = decoder.value(choose(local(&root))?)?;
    loop {
        match decoder.source.next()? {
            Part::End => return Ok(document),
            Part::Text(text) => decoder.source.only_space(&text)?,
            Part::Open(_) | Part::Close => return Err(decoder.source.malformed("a second root element")),
        }
    }
}

/// The text of a document that is not too large.
pub(super) fn checked_text(bytes: &[u8]) -> Result<&str, XmlError> {
    if bytes.len() > API_BODY_BYTES_MAX {
        return Err(XmlError::TooLarge { bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| XmlError::NotUtf8 { at: error.valid_up_to() })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// What the reader yields, once comments, processing instructions and references are dealt with.
pub(super) enum Part<'x> {
    Open(BytesStart<'x>),
    Close,
    Text(Cow<'x, str>),
    End,
}

/// The events of a document within its bounds.
pub(super) struct Source<'x> {
    reader: Reader<&'x [u8]>,
    depth: usize,
    elements: usize,
}

impl<'x> Source<'x> {
    pub(super) fn new(text: &'x str) -> Source<'x> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Source { reader, depth: 0, elements: 0 }
    }

    pub(super) fn next(&mut self) -> Result<Part<'x>, XmlError> {
        loop {
            let event = self.reader.read_event().map_err(|error| XmlError::Malformed {
                at: self.reader.error_position(),
                why: error.to_string(),
            })?;
            return Ok(match event {
                Event::Start(start) | Event::Empty(start) => {
                    self.depth += 1;
                    self.elements += 1;
                    if self.depth > XML_DEPTH_MAX {
                        return Err(XmlError::TooDeep);
                    }
                    if self.elements > XML_ELEMENTS_MAX {
                        return Err(XmlError::TooManyElements);
                    }
                    Part::Open(start)
                }
                Event::End(_) => {
                    self.depth =
                        self.depth.checked_sub(1).ok_or_else(|| self.malformed("an end without a start"))?;
                    Part::Close
                }
                Event::Text(text) => Part::Text(self.legal(text.xml10_content())?),
                Event::CData(text) => Part::Text(self.legal(text.xml10_content())?),
                Event::GeneralRef(reference) => Part::Text(self.resolve(&reference)?),
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) => continue,
                Event::DocType(_) => return Err(XmlError::DocumentType),
                Event::Eof if self.depth > 0 => return Err(self.malformed("it ends within an element")),
                Event::Eof => Part::End,
            });
        }
    }

    /// XML 1.0 sections 4.1 and 4.6: without a document type there are character references and five entities.
    fn resolve(&self, reference: &BytesRef<'_>) -> Result<Cow<'x, str>, XmlError> {
        let text = match &**reference {
            "lt" => "<",
            "gt" => ">",
            "amp" => "&",
            "apos" => "'",
            "quot" => "\"",
            other => {
                let character = reference.resolve_char_ref().ok().flatten();
                let character = character
                    .ok_or_else(|| self.malformed(&format!("unknown reference '&{};'", excerpt(other))))?;
                return self.legal(Cow::Owned(character.to_string()));
            }
        };
        Ok(Cow::Borrowed(text))
    }

    fn legal(&self, text: Cow<'x, str>) -> Result<Cow<'x, str>, XmlError> {
        match text.chars().find(|c| !is_legal(*c)) {
            Some(bad) => {
                Err(self.malformed(&format!("the character U+{:04X} is not allowed", u32::from(bad))))
            }
            None => Ok(text),
        }
    }

    pub(super) fn only_space(&self, text: &str) -> Result<(), XmlError> {
        if is_space(text) { Ok(()) } else { Err(self.malformed("text outside of the root element")) }
    }

    pub(super) fn malformed(&self, why: &str) -> XmlError {
        XmlError::Malformed { at: self.reader.buffer_position(), why: why.to_owned() }
    }
}

enum Step {
    Root(String),
    Member(&'static str),
    Index(usize),
}

struct Decoder<'x> {
    source: Source<'x>,
    strict: bool,
    path: Vec<Step>,
}

impl Decoder<'_> {
    /// Reads the content of the element that was just opened, up to and with its end.
    fn value(&mut self, shape: &Shape) -> Result<Document, XmlError> {
        match &shape.kind {
            Kind::Structure(_) => self.structure(shape),
            Kind::List(list) => self.list(list),
            scalar => {
                let text = self.text()?;
                self.scalar(scalar, text)
            }
        }
    }

    fn structure(&mut self, shape: &Shape) -> Result<Document, XmlError> {
        let members = shape.members();
        let mut values: Vec<Option<Document>> = members.iter().map(|_| None).collect();
        while let Some(element) = self.next_element()? {
            let name = local(&element);
            let known = members.iter().position(|m| m.location == Location::Body && m.wire_name == name);
            let Some(at) = known else {
                let name = excerpt(name);
                if self.strict {
                    return Err(XmlError::Unknown { path: format!("{}.{name}", self.path()) });
                }
                self.skip()?;
                continue;
            };
            self.path.push(Step::Member(members[at].wire_name));
            match &values[at] {
                None => values[at] = Some(self.value(members[at].shape)?),
                Some(_) if self.strict => return Err(XmlError::Repeated { path: self.path() }),
                Some(_) => self.skip()?,
            }
            self.path.pop();
        }
        let given = members.iter().zip(values).filter_map(|(member, value)| Some((member.name, value?)));
        Ok(Document::Structure(given.collect::<Members>()))
    }

    /// Children of any name are elements: the AWS SDKs do the same, and CloudFront's documentation and its clients
    /// disagree about some names.
    fn list(&mut self, list: &List) -> Result<Document, XmlError> {
        let mut values = Vec::new();
        while self.next_element()?.is_some() {
            self.path.push(Step::Index(values.len()));
            values.push(self.value(list.element)?);
            self.path.pop();
        }
        Ok(Document::List(values))
    }

    /// The next child of a structure or list; none at its end.
    fn next_element(&mut self) -> Result<Option<BytesStart<'_>>, XmlError> {
        loop {
            match self.source.next()? {
                Part::Open(element) => return Ok(Some(element)),
                Part::Close | Part::End => return Ok(None),
                Part::Text(text) if self.strict && !is_space(&text) => {
                    return Err(XmlError::Content { path: self.path(), expected: "elements", found: "text" });
                }
                Part::Text(_) => {}
            }
        }
    }

    /// The text of a scalar, with its white space.
    fn text(&mut self) -> Result<String, XmlError> {
        let mut all = String::new();
        loop {
            match self.source.next()? {
                Part::Text(text) => all.push_str(&text),
                Part::Close | Part::End => return Ok(all),
                Part::Open(_) if self.strict => {
                    return Err(XmlError::Content {
                        path: self.path(),
                        expected: "text",
                        found: "an element",
                    });
                }
                Part::Open(_) => self.skip()?,
            }
        }
    }

    /// Passes over the element that was just opened.
    fn skip(&mut self) -> Result<(), XmlError> {
        let outside = self.source.depth - 1;
        while self.source.depth > outside {
            self.source.next()?;
        }
        Ok(())
    }

    fn scalar(&self, kind: &Kind, text: String) -> Result<Document, XmlError> {
        scalar(kind, text, self.strict).map_err(|BadScalar { expected, found }| XmlError::Value {
            path: self.path(),
            expected,
            found,
        })
    }

    fn path(&self) -> String {
        self.path.iter().fold(String::new(), |mut path, step| {
            match step {
                Step::Root(name) => path.push_str(name),
                Step::Member(name) => {
                    path.push('.');
                    path.push_str(name);
                }
                Step::Index(index) => write!(path, "[{index}]").expect("a String takes everything"),
            }
            path
        })
    }
}

/// Text that is not of its kind.
#[derive(Debug)]
pub(crate) struct BadScalar {
    pub(crate) expected: &'static str,
    pub(crate) found: String,
}

/// Reads the text of a scalar, in an element, a query parameter or a header.
pub(crate) fn scalar(kind: &Kind, text: String, strict: bool) -> Result<Document, BadScalar> {
    let number = if strict { text.as_str() } else { text.trim() };
    let read = match kind {
        Kind::Structure(_) | Kind::List(_) | Kind::String => return Ok(Document::String(text)),
        Kind::Timestamp => return Ok(Document::Timestamp(text)),
        Kind::Integer => whole(number, strict).filter(|read| !strict || fits_i32(read)),
        Kind::Long => whole(number, strict),
        Kind::Float | Kind::Double => {
            number.parse().ok().filter(|read: &f64| !strict || read.is_finite()).map(Document::Float)
        }
        Kind::Boolean if strict => number.parse().ok().map(Document::Boolean),
        Kind::Boolean => Some(Document::Boolean(text == "true")),
        Kind::Blob => base64::decode(&text).map(Document::Blob),
    };
    read.ok_or_else(|| BadScalar { expected: expected(kind), found: excerpt(&text) })
}

/// The plane takes digits with a minus at most; the client anything that Python's `int()` would, but for underscores.
fn whole(text: &str, strict: bool) -> Option<Document> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty()
        || !digits.bytes().all(|byte| byte.is_ascii_digit())
        || (strict && text.starts_with('+'))
    {
        return None;
    }
    match text.parse() {
        Ok(number) => Some(Document::Integer(number)),
        Err(_) if strict => None,
        Err(_) => Some(Document::BigInteger(text.to_owned())),
    }
}

fn fits_i32(read: &Document) -> bool {
    read.as_integer().is_some_and(|number| i32::try_from(number).is_ok())
}

fn expected(kind: &Kind) -> &'static str {
    match kind {
        Kind::Integer => "a 32-bit integer",
        Kind::Long => "a 64-bit integer",
        Kind::Float | Kind::Double => "a number",
        Kind::Boolean => "'true' or 'false'",
        Kind::Blob => "base64",
        _ => "text",
    }
}

/// Whether a document may hold the character at all, in whatever spelling (XML 1.0 section 2.2).
pub fn is_legal(char: char) -> bool {
    !matches!(char, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// XML 1.0 section 2.3.
fn is_space(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

pub(super) fn local<'e>(element: &'e BytesStart<'_>) -> &'e str {
    element.local_name().into_inner()
}

/// The beginning of what somebody else wrote, for a message.
fn excerpt(text: &str) -> String {
    const CHARS: usize = 64;
    let mut short: String = text.chars().take(CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
