//! A value of any shape: what requests and responses hold between the wire and the code that uses them.
//!
//! A [`Document`] knows nothing of shapes; `xml`, `request` and `response` bring the two together, and
//! `validate` says where they disagree. The order of a structure's members is kept, since the client sends
//! members in the order they were typed in.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

/// Half of a UTF-16 pair without its other half, which JSON can spell and the AWS CLI sends, but a `String` cannot hold.
///
/// It is carried as two characters: the last noncharacter, which is not for interchange, and one of plane 16. The writer of XML turns
/// them back into the half's number.
pub fn lone_surrogate(half: u16) -> [char; 2] {
    let marked = char::from_u32(SURROGATE_BASE + u32::from(half)).unwrap_or(char::REPLACEMENT_CHARACTER);
    [SURROGATE_MARK, marked]
}

/// Whether a text holds such a half.
pub fn has_lone_surrogate(text: &str) -> bool {
    let mut pairs = text.chars().zip(text.chars().skip(1));
    pairs.any(|(mark, marked)| mark == SURROGATE_MARK && lone_surrogate_of(marked).is_some())
}

/// The half that a marked character stands for.
pub(crate) fn lone_surrogate_of(marked: char) -> Option<u32> {
    u32::from(marked).checked_sub(SURROGATE_BASE).filter(|half| (0xd800..0xe000).contains(half))
}

/// Stands before the character of a half.
pub(crate) const SURROGATE_MARK: char = '\u{10ffff}';
const SURROGATE_BASE: u32 = 0x10_0000;

/// A value of any shape.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Document {
    /// JSON's `null`; never on the wire.
    #[default]
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A whole number outside of `i64`, as decimal digits: the AWS CLI sends numbers of any length.
    BigInteger(String),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// Text.
    String(String),
    /// Bytes; base64 in XML and JSON.
    Blob(Vec<u8>),
    /// A time, as it is spelled on the wire.
    Timestamp(String),
    /// Values in order.
    List(Vec<Document>),
    /// Named values in order.
    Structure(Members),
}

impl Document {
    /// Makes a structure of the members given, in their order; of a repeated name the last value counts.
    pub fn structure<N: Into<String>>(members: impl IntoIterator<Item = (N, Document)>) -> Document {
        Document::Structure(members.into_iter().collect())
    }

    /// Makes a list of anything that turns into a value.
    pub fn list<V: Into<Document>>(values: impl IntoIterator<Item = V>) -> Document {
        Document::List(values.into_iter().map(Into::into).collect())
    }

    /// Makes a time of its spelling on the wire.
    pub fn timestamp(text: impl Into<String>) -> Document {
        Document::Timestamp(text.into())
    }

    /// The member of that name, if this is a structure that has it.
    pub fn get(&self, name: &str) -> Option<&Document> {
        self.as_structure()?.get(name)
    }

    /// The text of a [`String`](Document::String) or a [`Timestamp`](Document::Timestamp).
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Document::String(text) | Document::Timestamp(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if this is an [`Integer`](Document::Integer).
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Document::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The flag, if this is a [`Boolean`](Document::Boolean).
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Document::Boolean(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The values, if this is a [`List`](Document::List).
    pub fn as_list(&self) -> Option<&[Document]> {
        match self {
            Document::List(values) => Some(values),
            _ => None,
        }
    }

    /// The members, if this is a [`Structure`](Document::Structure).
    pub fn as_structure(&self) -> Option<&Members> {
        match self {
            Document::Structure(members) => Some(members),
            _ => None,
        }
    }

    /// Whether this is [`Null`](Document::Null).
    pub fn is_null(&self) -> bool {
        matches!(self, Document::Null)
    }
}

/// Named values in order, each name once.
///
/// A plain list: CloudFront's structures have at most some twenty members. What is typed in may have any number, so
/// collecting many is not searching through all of them for each.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Members(Vec<(String, Document)>);

impl Members {
    /// Makes an empty structure.
    pub fn new() -> Members {
        Members::default()
    }

    /// The member of that name.
    pub fn get(&self, name: &str) -> Option<&Document> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The member of that name, to be changed in place.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Document> {
        self.0.iter_mut().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// Whether there is a member of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets a member: a new one goes last, a known one keeps its place. Returns the value it had.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Document>) -> Option<Document> {
        let (name, value) = (name.into(), value.into());
        match self.get_mut(&name) {
            Some(known) => Some(std::mem::replace(known, value)),
            None => {
                self.0.push((name, value));
                None
            }
        }
    }

    /// Takes a member out; the others keep their order.
    pub fn remove(&mut self, name: &str) -> Option<Document> {
        let at = self.0.iter().position(|(own, _)| own == name)?;
        Some(self.0.remove(at).1)
    }

    /// The members in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Document)> + ExactSizeIterator {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<String>> Extend<(N, Document)> for Members {
    fn extend<I: IntoIterator<Item = (N, Document)>>(&mut self, members: I) {
        let mut members = members.into_iter();
        while self.0.len() < SEARCHED_MAX {
            let Some((name, value)) = members.next() else { return };
            self.insert(name, value);
        }
        let mut places: BTreeMap<String, usize> =
            self.0.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect();
        for (name, value) in members {
            let name = name.into();
            match places.get(&name) {
                Some(&at) => self.0[at].1 = value,
                None => {
                    places.insert(name.clone(), self.0.len());
                    self.0.push((name, value));
                }
            }
        }
    }
}

/// With more members than this, their places are looked up.
const SEARCHED_MAX: usize = 64;

impl<N: Into<String>> FromIterator<(N, Document)> for Members {
    fn from_iter<I: IntoIterator<Item = (N, Document)>>(members: I) -> Members {
        let mut all = Members::new();
        all.extend(members);
        all
    }
}

impl IntoIterator for Members {
    type Item = (String, Document);
    type IntoIter = std::vec::IntoIter<(String, Document)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

macro_rules! from {
    ($($type:ty => $make:expr;)*) => {
        $(impl From<$type> for Document {
            fn from(value: $type) -> Document {
                ($make)(value)
            }
        })*
    };
}

from! {
    bool => Document::Boolean;
    i32 => |number| Document::Integer(i64::from(number));
    u32 => |number| Document::Integer(i64::from(number));
    i64 => Document::Integer;
    f64 => Document::Float;
    &str => |text: &str| Document::String(text.to_owned());
    &String => |text: &String| Document::String(text.clone());
    String => Document::String;
    Vec<u8> => Document::Blob;
    Vec<Document> => Document::List;
    Members => Document::Structure;
}

impl From<usize> for Document {
    fn from(number: usize) -> Document {
        i64::try_from(number).map_or_else(|_| Document::BigInteger(number.to_string()), Document::Integer)
    }
}

impl<V: Into<Document>> From<Option<V>> for Document {
    fn from(value: Option<V>) -> Document {
        value.map_or(Document::Null, Into::into)
    }
}

impl From<Value> for Document {
    /// Whole numbers become integers, also those beyond `i64`; a blob cannot be told from text.
    fn from(value: Value) -> Document {
        match value {
            Value::Null => Document::Null,
            Value::Bool(flag) => Document::Boolean(flag),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => Document::Integer(whole),
                None if number.is_u64() => Document::BigInteger(number.to_string()),
                None => Document::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Document::String(text),
            Value::Array(values) => Document::List(values.into_iter().map(Document::from).collect()),
            Value::Object(members) => {
                Document::Structure(members.into_iter().map(|(name, value)| (name, value.into())).collect())
            }
        }
    }
}

impl From<Document> for Value {
    /// Blobs become base64. What JSON has no number for (NaN, infinities) becomes `null`, and a whole number
    /// beyond 64 bits a float.
    fn from(document: Document) -> Value {
        match document {
            Document::Null => Value::Null,
            Document::Boolean(flag) => Value::Bool(flag),
            Document::Integer(number) => Value::Number(number.into()),
            Document::BigInteger(digits) => digits.parse::<Number>().map_or(Value::Null, Value::Number),
            Document::Float(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
            Document::String(text) | Document::Timestamp(text) => Value::String(text),
            Document::Blob(bytes) => Value::String(crate::base64::encode(&bytes)),
            Document::List(values) => Value::Array(values.into_iter().map(Value::from).collect()),
            Document::Structure(members) => Value::Object(
                members.into_iter().map(|(name, value)| (name, value.into())).collect::<Map<_, _>>(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_keep_the_order_they_came_in() {
        let mut members: Members = [("B", 1.into()), ("A", 2.into()), ("B", 3.into())].into_iter().collect();
        assert_eq!(members.insert("C", true), None);
        assert_eq!(members.insert("A", "x"), Some(Document::Integer(2)));
        assert_eq!(members.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["B", "A", "C"]);
        assert_eq!(members.remove("B"), Some(Document::Integer(3)));
        assert_eq!((members.len(), members.contains("B")), (2, false));
    }

    #[test]
    fn many_members_are_collected_as_few_are() {
        let name = |number: usize| (format!("k{}", number % 100_000), Document::from(number));
        let members: Members = (0..100_001).map(name).collect();
        assert_eq!(members.len(), 100_000);
        assert_eq!(members.iter().next(), Some(("k0", &Document::from(100_000))));
        assert_eq!(members.iter().next_back(), Some(("k99999", &Document::from(99_999))));
    }

    #[test]
    fn json_goes_both_ways() {
        let value =
            json!({"z": [1, -2, 1.5, null], "a": {"b": true, "c": "x"}, "n": 18446744073709551615_u64});
        let document = Document::from(value.clone());
        assert_eq!(document.get("a").and_then(|a| a.get("c")).and_then(Document::as_str), Some("x"));
        assert_eq!(document.get("n"), Some(&Document::BigInteger("18446744073709551615".into())));
        assert_eq!(Value::from(document).to_string(), value.to_string());
        assert_eq!(Value::from(Document::Blob(b"hi!?".to_vec())), json!("aGkhPw=="));
    }
}
