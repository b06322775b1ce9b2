//! How a value is typed: as shorthand and as JSON, with the names of kinds in place of values.

use recant_wire::model::{Kind, Shape};

use crate::describe;

/// The shorthand of an option; none where shorthand cannot spell it, or it is a plain word.
pub(super) fn shorthand(shape: &Shape) -> Option<String> {
    match &shape.kind {
        Kind::Structure(structure) => Some(
            structure
                .members
                .iter()
                .map(|member| format!("{}={}", member.name, nested(member.shape)))
                .collect::<Vec<_>>()
                .join(","),
        ),
        Kind::List(list) => match &list.element.kind {
            Kind::Structure(_) => Some(format!("{} ...", shorthand(list.element)?)),
            Kind::List(_) => None,
            _ => Some(format!("\"{0}\" \"{0}\" ...", scalar(list.element))),
        },
        _ => None,
    }
}

fn nested(shape: &Shape) -> String {
    match &shape.kind {
        Kind::Structure(_) => format!("{{{}}}", shorthand(shape).unwrap_or_default()),
        Kind::List(list) => {
            let element = nested(list.element);
            format!("[{element},{element}]")
        }
        _ => scalar(shape).to_owned(),
    }
}

fn scalar(shape: &Shape) -> &'static str {
    describe::kind(shape)
}

/// The JSON of an option; none for a plain word.
pub(super) fn json(shape: &Shape) -> Option<String> {
    matches!(shape.kind, Kind::Structure(_) | Kind::List(_)).then(|| {
        let mut out = String::new();
        write_json(&mut out, shape, 0);
        out
    })
}

fn write_json(out: &mut String, shape: &Shape, indent: usize) {
    let line = |out: &mut String, indent: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent));
    };
    match &shape.kind {
        Kind::Structure(structure) => {
            out.push('{');
            for (index, member) in structure.members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                line(out, indent + 2);
                out.push_str(&format!("\"{}\": ", member.name));
                write_json(out, member.shape, indent + 2);
            }
            line(out, indent);
            out.push('}');
        }
        Kind::List(list) if matches!(list.element.kind, Kind::Structure(_) | Kind::List(_)) => {
            out.push('[');
            line(out, indent + 2);
            write_json(out, list.element, indent + 2);
            line(out, indent + 2);
            out.push_str("...");
            line(out, indent);
            out.push(']');
        }
        Kind::List(list) => {
            out.push('[');
            write_json(out, list.element, indent);
            out.push_str(", ...]");
        }
        Kind::String if !shape.values.is_empty() => {
            let values: Vec<String> = shape.values.iter().map(|value| format!("\"{value}\"")).collect();
            out.push_str(&values.join("|"));
        }
        Kind::String => out.push_str("\"string\""),
        Kind::Boolean => out.push_str("true|false"),
        _ => out.push_str(scalar(shape)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use recant_wire::model;

    fn member(operation: &str, name: &str) -> &'static Shape {
        model::operation(operation).and_then(|found| found.input.member(name)).expect("a member").shape
    }

    #[test]
    fn values_are_spelled_both_ways() {
        let batch = member("CreateInvalidationForDistributionTenant", "InvalidationBatch");
        assert_eq!(
            shorthand(batch).expect("a structure"),
            "Paths={Quantity=integer,Items=[string,string]},CallerReference=string"
        );
        assert_eq!(
            json(batch).expect("a structure"),
            "{\n  \"Paths\": {\n    \"Quantity\": integer,\n    \"Items\": [\"string\", ...]\n  },\n  \
             \"CallerReference\": \"string\"\n}"
        );
        let domains = member("CreateDistributionTenant", "Domains");
        assert_eq!(shorthand(domains).expect("a list"), "Domain=string ...");
        assert_eq!(json(domains).expect("a list"), "[\n  {\n    \"Domain\": \"string\"\n  }\n  ...\n]");
        assert_eq!(shorthand(member("GetDistribution", "Id")), None);
    }
}
