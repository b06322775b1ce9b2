//! `progress …` and `edges`: how far the edges are, with one invalidation or with everything.

use http::Method;
use recant_wire::document::Members;

use super::line::Line;
use super::session::Session;
use crate::error::Error;
use crate::invalidate::target::{self, Hint};
use crate::lowargs::{Opt, Takes};

/// What `progress help` says.
pub(super) const HELP: &str = "\
recant progress TARGET INVALIDATION [options]

How far each edge is with an invalidation: whether it has applied it, and by when it had; whether completion waits for it, and until when at
most if it says nothing more. TARGET is the tenant's id, name, ARN or domain.

Options
  --distribution            TARGET is a distribution, by id or ARN, and the invalidation one of all of its tenants, or, where it
                            has none, of its own
  --output FORMAT           json, text, table, yaml (json)

Options of every command, as --endpoint-url, --region, --profile, --query and --color, go as well.

Exit status: 0 when it is done; 252 a wrong line; 253 a setting; 254 an error of the plane; 255 anything else.
";

/// What `edges help` says.
pub(super) const EDGES_HELP: &str = "\
recant edges [options]

The edges of a plane: up to which position of the log each has applied everything, whether completion waits for it, and until when at most if it
says nothing more.

Options
  --output FORMAT           json, text, table, yaml (json)

Options of every command, as --endpoint-url, --region, --profile, --query and --color, go as well.

Exit status: 0 when it is done; 252 a wrong line; 253 a setting; 254 an error of the plane; 255 anything else.
";

const HINT: Hint = Hint {
    distribution: "add --distribution for an invalidation of its own or of all of its tenants",
    domain: Some("a distribution is named by its id, with --distribution"),
};

pub(super) const TABLE: &[Opt<'static>] = &[Opt::new("--distribution", Takes::Nothing)];

/// Shows how far an invalidation is.
///
/// # Errors
///
/// A wrong line, and whatever the plane refuses.
pub(super) fn run(line: &Line, session: &mut Session<'_>) -> Result<(), Error> {
    let [target, id] = line.words.as_slice() else {
        let message = "a TARGET and the id of an INVALIDATION are wanted; 'recant progress help' says more";
        return Err(Error::Parameter(message.to_owned()));
    };
    let (kind, owner) = match line.has("--distribution") {
        true => ("distributions", target::distribution(target)?),
        false => {
            let tenant = target::tenant(session.environment, &mut session.caller, target, &HINT)?;
            ("distribution-tenants", tenant)
        }
    };
    let path = [kind, &owner, "invalidation", id, "progress"];
    let progress = session.call("GetInvalidationProgress", Method::GET, &path, Members::new())?;
    session.show(progress)
}

/// Shows the edges.
///
/// # Errors
///
/// A wrong line, and whatever the plane refuses.
pub(super) fn edges(line: &Line, session: &mut Session<'_>) -> Result<(), Error> {
    if let Some(word) = line.words.first() {
        return Err(Error::Parameter(format!(
            "'{word}' says nothing here; 'recant edges help' lists the options"
        )));
    }
    let edges = session.call("ListEdges", Method::GET, &["edges"], Members::new())?;
    session.show(edges)
}
