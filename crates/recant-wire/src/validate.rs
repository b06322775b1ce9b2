//! What the AWS CLI finds wrong with an input before it sends anything, in its order and its words.
//!
//! Presence, kinds and minima are checked; maxima, patterns and enumerations are left to the service, as botocore
//! leaves them. All that is wrong is reported at once: of each structure first what is missing, then what is unknown, then what is
//! wrong within its members, in the order they were given.

use std::fmt;

use crate::document::{Document, Members};
use crate::model::{Kind, Member, Shape};
use crate::python;

/// One thing that is wrong. `Display` is botocore's sentence; paths are `input`, `Name` or `Batch.Paths.Items[0]`.
#[derive(Clone, Debug, PartialEq)]
pub enum Invalid {
    /// A required member is not there.
    Missing {
        /// Of the structure.
        path: String,
        /// The member.
        member: &'static str,
    },
    /// A member that the structure does not have.
    Unknown {
        /// Of the structure.
        path: String,
        /// What was given.
        name: String,
        /// What could have been given, in order.
        known: Vec<&'static str>,
    },
    /// A value of another kind.
    Type {
        /// Of the value.
        path: String,
        /// The value.
        value: Document,
        /// Python's names of the kinds that would do.
        valid: &'static str,
    },
    /// A number below its minimum.
    Range {
        /// Of the value.
        path: String,
        /// The value.
        value: Document,
        /// The smallest allowed.
        min: String,
    },
    /// Text or a list shorter than its minimum.
    Length {
        /// Of the value.
        path: String,
        /// The length.
        length: usize,
        /// The smallest allowed.
        min: i64,
    },
    /// None or several members of a union.
    Union {
        /// Of the structure.
        path: String,
        /// Whether none was given.
        empty: bool,
        /// What could have been given, in order.
        known: Vec<&'static str>,
    },
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Invalid::Missing { path, member } => {
                write!(f, "Missing required parameter in {path}: \"{member}\"")
            }
            Invalid::Unknown { path, name, known } => {
                write!(f, "Unknown parameter in {path}: \"{name}\", must be one of: {}", known.join(", "))
            }
            Invalid::Type { path, value, valid } => write!(
                f,
                "Invalid type for parameter {path}, value: {}, type: {}, valid types: {valid}",
                python::str(value),
                python::class(value)
            ),
            Invalid::Range { path, value, min } => {
                write!(
                    f,
                    "Invalid value for parameter {path}, value: {}, valid min value: {min}",
                    python::str(value)
                )
            }
            Invalid::Length { path, length, min } => {
                write!(f, "Invalid length for parameter {path}, value: {length}, valid min length: {min}")
            }
            Invalid::Union { path, empty: true, known } => write!(
                f,
                // The missing space is botocore's.
                "Must set one of the following keys for tagged unionstructure {path}: {}.",
                known.join(", ")
            ),
            Invalid::Union { path, empty: false, known } => write!(
                f,
                "Invalid number of parameters set for tagged union structure {path}. Can only set one of the following \
                 keys: {}.",
                known.join(", ")
            ),
        }
    }
}

/// Everything that is wrong with a document of that shape; nothing if it may be sent.
pub fn validate(shape: &Shape, document: &Document) -> Vec<Invalid> {
    let mut check = Check { path: String::new(), found: Vec::new() };
    check.value(shape, document);
    check.found
}

/// The first required member that is missing anywhere in a document, as a dotted path: the plane, whose reader has made
/// sure of everything else.
pub fn missing(shape: &Shape, document: &Document) -> Option<String> {
    validate(shape, document).into_iter().find_map(|invalid| match invalid {
        Invalid::Missing { path, member } if path == "input" => Some(member.to_owned()),
        Invalid::Missing { path, member } => Some(format!("{path}.{member}")),
        _ => None,
    })
}

struct Check {
    /// From the first member on; empty at the top.
    path: String,
    found: Vec<Invalid>,
}

impl Check {
    fn value(&mut self, shape: &Shape, value: &Document) {
        match (&shape.kind, value) {
            (Kind::Structure(_), Document::Structure(members)) => self.structure(shape, members),
            (Kind::List(list), Document::List(values)) => {
                self.length(shape, values.len());
                for (index, value) in values.iter().enumerate() {
                    self.within(&format!("[{index}]"), |check| check.value(list.element, value));
                }
            }
            (Kind::String, Document::String(text)) => {
                self.length(shape, text.chars().count());
            }
            // A bool is an int in Python.
            (
                Kind::Integer | Kind::Long,
                Document::Boolean(_) | Document::Integer(_) | Document::BigInteger(_),
            )
            | (
                Kind::Float | Kind::Double,
                Document::Boolean(_) | Document::Integer(_) | Document::BigInteger(_) | Document::Float(_),
            ) => self.range(shape, value),
            (Kind::Boolean, Document::Boolean(_))
            | (Kind::Blob, Document::Blob(_) | Document::String(_))
            | (Kind::Timestamp, Document::Timestamp(_) | Document::String(_)) => {}
            (kind, value) => {
                let (path, value) = (self.name(), value.clone());
                self.found.push(Invalid::Type { path, value, valid: valid_types(kind) });
            }
        }
    }

    fn structure(&mut self, shape: &Shape, members: &Members) {
        let known = || shape.members().iter().map(|member| member.name).collect::<Vec<_>>();
        if matches!(&shape.kind, Kind::Structure(structure) if structure.union) && members.len() != 1 {
            let path = self.name();
            self.found.push(Invalid::Union { path, empty: members.is_empty(), known: known() });
        }
        let missing = |member: &&Member| member.required && !members.contains(member.name);
        for member in shape.members().iter().filter(missing) {
            let path = self.name();
            self.found.push(Invalid::Missing { path, member: member.name });
        }
        for (name, _) in members.iter().filter(|(name, _)| shape.member(name).is_none()) {
            let path = self.name();
            self.found.push(Invalid::Unknown { path, name: name.to_owned(), known: known() });
        }
        for (name, value) in members.iter() {
            if let Some(member) = shape.member(name) {
                self.within(&format!(".{name}"), |check| check.value(member.shape, value));
            }
        }
    }

    fn length(&mut self, shape: &Shape, length: usize) {
        if let Some(min) = shape.min
            && i64::try_from(length).is_ok_and(|length| length < min)
        {
            let path = self.name();
            self.found.push(Invalid::Length { path, length, min });
        }
    }

    fn range(&mut self, shape: &Shape, value: &Document) {
        let Some(min) = shape.min else { return };
        let below = match value {
            Document::Boolean(flag) => i64::from(*flag) < min,
            Document::Integer(number) => *number < min,
            Document::BigInteger(digits) => digits.starts_with('-'),
            #[expect(clippy::cast_precision_loss, reason = "the model's bounds are small")]
            Document::Float(number) => *number < min as f64,
            _ => false,
        };
        if below {
            let min = match shape.kind {
                Kind::Float | Kind::Double => format!("{min}.0"),
                _ => min.to_string(),
            };
            let (path, value) = (self.name(), value.clone());
            self.found.push(Invalid::Range { path, value, min });
        }
    }

    fn within(&mut self, step: &str, check: impl FnOnce(&mut Check)) {
        let outside = self.path.len();
        self.path.push_str(step);
        check(self);
        self.path.truncate(outside);
    }

    fn name(&self) -> String {
        match self.path.strip_prefix('.').unwrap_or(&self.path) {
            "" => "input".to_owned(),
            path => path.to_owned(),
        }
    }
}

fn valid_types(kind: &Kind) -> &'static str {
    match kind {
        Kind::Structure(_) => "<class 'dict'>",
        Kind::List(_) => "<class 'list'>, <class 'tuple'>",
        Kind::String => "<class 'str'>",
        Kind::Integer | Kind::Long => "<class 'int'>",
        Kind::Float | Kind::Double => "<class 'float'>, <class 'decimal.Decimal'>, <class 'int'>",
        Kind::Boolean => "<class 'bool'>",
        Kind::Timestamp => "<class 'datetime.datetime'>, timestamp-string",
        Kind::Blob => "<class 'bytes'>, <class 'bytearray'>, file-like object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::operation;
    use serde_json::{Value, json};

    fn check(name: &str, input: Value, expected: &[&str]) {
        let found = validate(operation(name).unwrap().input, &input.into());
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }

    /// Texts as botocore writes them.
    #[test]
    fn all_is_reported_in_order() {
        check(
            "CreateInvalidationForDistributionTenant",
            json!({"InvalidationBatch": {"Paths": {"Quantity": "x", "Items": [1, "/a"]}, "Foo": 1, "Bar": null}}),
            &[
                "Missing required parameter in input: \"Id\"",
                "Missing required parameter in InvalidationBatch: \"CallerReference\"",
                "Unknown parameter in InvalidationBatch: \"Foo\", must be one of: Paths, CallerReference",
                "Unknown parameter in InvalidationBatch: \"Bar\", must be one of: Paths, CallerReference",
                "Invalid type for parameter InvalidationBatch.Paths.Quantity, value: x, type: <class 'str'>, valid types: \
                 <class 'int'>",
                "Invalid type for parameter InvalidationBatch.Paths.Items[0], value: 1, type: <class 'int'>, valid types: \
                 <class 'str'>",
            ],
        );
    }

    #[test]
    fn kinds() {
        let batch = |batch: Value, expected: &[&str]| {
            check(
                "CreateInvalidationForDistributionTenant",
                json!({"Id": "", "InvalidationBatch": batch}),
                expected,
            );
        };
        batch(json!({"CallerReference": "", "Paths": {"Quantity": true, "Items": []}}), &[]);
        batch(json!({"CallerReference": "", "Paths": {"Quantity": -0}}), &[]);
        batch(
            json!(["foo"]),
            &[
                "Invalid type for parameter InvalidationBatch, value: ['foo'], type: <class 'list'>, valid types: <class 'dict'>",
            ],
        );
        batch(
            json!({"CallerReference": null, "Paths": {"Quantity": 100.0, "Items": "/a"}}),
            &[
                "Invalid type for parameter InvalidationBatch.CallerReference, value: None, type: <class 'NoneType'>, \
                 valid types: <class 'str'>",
                "Invalid type for parameter InvalidationBatch.Paths.Quantity, value: 100.0, type: <class 'float'>, valid \
                 types: <class 'int'>",
                "Invalid type for parameter InvalidationBatch.Paths.Items, value: /a, type: <class 'str'>, valid types: \
                 <class 'list'>, <class 'tuple'>",
            ],
        );
    }

    #[test]
    fn minima() {
        check(
            "TagResource",
            json!({"Resource": "arn", "Tags": {"Items": [{"Key": ""}]}}),
            &["Invalid length for parameter Tags.Items[0].Key, value: 0, valid min length: 1"],
        );
        check(
            "CreateTrustStore",
            json!({"Name": "n", "CaCertificatesBundleSource": {}}),
            &["Must set one of the following keys for tagged unionstructure CaCertificatesBundleSource: \
               CaCertificatesBundleS3Location."],
        );
    }

    #[test]
    fn the_plane_asks_what_is_missing() {
        let input = operation("CreateInvalidation").unwrap().input;
        let check = |document: Value, expected: Option<&str>| {
            assert_eq!(missing(input, &document.into()).as_deref(), expected);
        };
        check(json!({"DistributionId": "E"}), Some("InvalidationBatch"));
        check(
            json!({"DistributionId": "E", "InvalidationBatch": {"Paths": {}, "CallerReference": "r"}}),
            Some("InvalidationBatch.Paths.Quantity"),
        );
        check(
            json!({"DistributionId": "E", "InvalidationBatch": {"Paths": {"Quantity": 0}, "CallerReference": "r"}}),
            None,
        );
    }
}
