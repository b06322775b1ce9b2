//! The words that `data.rs` is written in: every trait that is not named has its usual value.

use http::Method;

use super::{ErrorShape, Kind, List, Location, Member, Operation, Paginator, Shape, Structure};

pub(super) const fn operation(
    name: &'static str,
    cli_name: &'static str,
    method: Method,
    uri: &'static str,
    success: u16,
    input: &'static Shape,
) -> Operation {
    Operation {
        name,
        cli_name,
        method,
        uri,
        success,
        input,
        input_root: None,
        output: None,
        errors: &[],
        paginator: None,
        idempotent: false,
    }
}

pub(crate) const fn structure(name: &'static str, members: &'static [Member]) -> Shape {
    scalar(name, Kind::Structure(Structure { members, payload: None, union: false }))
}

pub(super) const fn list(name: &'static str, element_name: &'static str, element: &'static Shape) -> Shape {
    scalar(name, Kind::List(List { element, element_name }))
}

pub(crate) const fn scalar(name: &'static str, kind: Kind) -> Shape {
    Shape { name, kind, min: None, max: None, values: &[], sensitive: false }
}

pub(crate) const fn member(name: &'static str, cli_name: &'static str, shape: &'static Shape) -> Member {
    Member {
        name,
        cli_name,
        wire_name: name,
        shape,
        location: Location::Body,
        required: false,
        deprecated: false,
    }
}

/// Setters that take the whole and give it back, so that they chain in a `static`.
macro_rules! setters {
    ($owner:ty { $($name:ident $(($arg:ident: $type:ty))? => $($field:ident).+ = $value:expr;)* }) => {
        impl $owner {
            $(pub(super) const fn $name(mut self $(, $arg: $type)?) -> Self {
                self.$($field).+ = $value;
                self
            })*
        }
    };
}

setters! { Operation {
    root(name: &'static str) => input_root = Some(name);
    output(shape: &'static Shape) => output = Some(shape);
    errors(errors: &'static [&'static ErrorShape]) => errors = errors;
    paginator(paginator: Paginator) => paginator = Some(paginator);
    idempotent => idempotent = true;
}}

setters! { Shape {
    min(min: i64) => min = Some(min);
    max(max: i64) => max = Some(max);
    one_of(values: &'static [&'static str]) => values = values;
    sensitive => sensitive = true;
}}

setters! { Member {
    uri => location = Location::Uri;
    query => location = Location::Query;
    header => location = Location::Header;
    wire(name: &'static str) => wire_name = name;
    required => required = true;
    deprecated => deprecated = true;
}}

impl Shape {
    pub(super) const fn body_is(mut self, name: &'static str) -> Self {
        if let Kind::Structure(structure) = &mut self.kind {
            structure.payload = Some(name);
        }
        self
    }

    pub(super) const fn union(mut self) -> Self {
        if let Kind::Structure(structure) = &mut self.kind {
            structure.union = true;
        }
        self
    }
}
