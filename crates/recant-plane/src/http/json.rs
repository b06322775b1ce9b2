//! A body in JSON, read as a document: of so many values at most, and no member twice.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use recant_core::limits::JSON_VALUES_MAX;
use recant_wire::document::{Document, Members};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Reads a body. What it takes of memory is in proportion to [`JSON_VALUES_MAX`] and to the body's bytes; how deep it is nested is
/// `serde_json`'s to bound.
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn decode(body: &[u8]) -> Result<Document, serde_json::Error> {
    let left = Cell::new(JSON_VALUES_MAX);
    let mut reader = serde_json::Deserializer::from_slice(body);
    let document = Value { left: &left }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(document)
}

/// Reads one value, if there may still be one.
#[derive(Clone, Copy)]
struct Value<'c> {
    left: &'c Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Document;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Document, D::Error> {
        let Some(left) = self.left.get().checked_sub(1) else {
            return Err(de::Error::custom(format_args!("there are more than {JSON_VALUES_MAX} values")));
        };
        self.left.set(left);
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Document, E> {
        Ok(Document::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Document, E> {
        Ok(Document::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Document, E> {
        Ok(i64::try_from(value).map_or_else(|_| Document::BigInteger(value.to_string()), Document::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Document, E> {
        Ok(Document::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Document, E> {
        Ok(Document::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Document, E> {
        Ok(Document::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Document, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = values.next_element_seed(self)? {
            list.push(value);
        }
        Ok(Document::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Document, A::Error> {
        let (mut known, mut list) = (HashSet::new(), Vec::new());
        while let Some(name) = members.next_key::<String>()? {
            if !known.insert(name.clone()) {
                return Err(de::Error::custom(format_args!("a member is there twice")));
            }
            list.push((name, members.next_value_seed(self)?));
        }
        Ok(Document::Structure(Members::from_iter(list)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_like_any_other_json() {
        let body = r#"{"a": [1, -2, 18446744073709551615, 1.5, true, null, "x\u00e9"], "b": {"c": []}}"#;
        let wanted = Document::from(serde_json::from_str::<serde_json::Value>(body).unwrap());
        assert_eq!(decode(body.as_bytes()).unwrap(), wanted);
        for wrong in ["", "{", "{}x", "[1,]", r#"{"a":1,"a":2}"#, r#"{"b":{"a":1,"a":1}}"#] {
            decode(wrong.as_bytes()).expect_err(wrong);
        }
        decode("[".repeat(100_000).as_bytes()).expect_err("nested too deep");
    }

    #[test]
    fn there_are_so_many_values() {
        let of = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
        assert!(decode(of(JSON_VALUES_MAX).as_bytes()).is_ok());
        let error = decode(of(JSON_VALUES_MAX + 1).as_bytes()).unwrap_err().to_string();
        assert!(error.contains("more than 50000 values"), "{error}");
    }
}
