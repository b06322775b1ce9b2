//! `help`: what there is, in few words. The long story is the AWS CLI's reference; it is not repeated here.

use std::fmt::Write as _;

use recant_wire::model::{self, Kind, Operation};

use crate::globals;
use crate::lowargs::Takes;

/// The text for an operation, or for the service.
pub(crate) fn text(operation: Option<&Operation>) -> String {
    let mut out = String::new();
    match operation {
        Some(operation) => {
            let _ = writeln!(out, "cloudfront {} [options]\n\nOptions:", operation.cli_name);
            for member in operation.members() {
                let value = match member.shape.kind {
                    Kind::Boolean => "",
                    Kind::List(_) => " <value> ...",
                    _ => " <value>",
                };
                let required = if member.required { " (required)" } else { "" };
                let _ = writeln!(out, "  --{}{value}{required}", member.cli_name);
            }
            out.push_str("  --cli-input-json <value>\n  --generate-cli-skeleton [input|output]\n");
        }
        None => {
            out.push_str("cloudfront <operation> [options]\n\nOperations:\n");
            for operation in model::operations() {
                let _ = writeln!(out, "  {}", operation.cli_name);
            }
            out.push_str("  wait <state>\n\nStates:\n");
            for waiter in model::waiters() {
                let _ = writeln!(out, "  {}", waiter.cli_name);
            }
        }
    }
    out.push_str("\nGlobal options:\n");
    for option in globals::TABLE {
        let value = if option.takes == Takes::Nothing { "" } else { " <value>" };
        let _ = writeln!(out, "  {}{value}", option.name);
    }
    out
}
