//! Whose line it is: CloudFront's, or another service's that this program does not know.

use std::ffi::OsString;

use crate::alias::{Aliases, DEPTH_MAX, Meaning};
use crate::command::SERVICE;
use crate::environment::Environment;
use crate::error::Error;
use crate::similar::closest;
use crate::{globals, lowargs};

/// Whether a line calls another service, as `s3 sync …` does, if need be by an alias. A line that is wrong is not another
/// service's.
pub fn is_another_services(words: &[OsString], environment: &dyn Environment) -> bool {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let aliases = std::cell::OnceCell::new();
    service_of(&words, |name| {
        let aliases = aliases.get_or_init(|| Aliases::load(environment).ok());
        aliases.as_ref()?.find(&[], name).transpose()
    })
    .is_some_and(|service| service != SERVICE)
}

/// The service that a line calls; none if it calls none, is wrong, or is a near miss of ours: that is taken for a slip of the hand, and
/// answered here with the suggestion.
fn service_of(words: &[String], alias: impl Fn(&str) -> Option<Result<Meaning, Error>>) -> Option<String> {
    let mut line = lowargs::scan(globals::TABLE, words).ok()?;
    for _ in 0..DEPTH_MAX {
        let service = line.positional.filter(|_| line.stopped_by.is_none())?;
        if service == "help" || !closest(&service, [SERVICE].into_iter()).is_empty() {
            return None;
        }
        match alias(&service) {
            None => return Some(service),
            Some(Ok(Meaning::Words(words))) => {
                line = lowargs::scan(globals::TABLE, &words).ok()?;
                // An alias may hide the service that it calls.
                if line.positional.as_ref() == Some(&service) {
                    return Some(service);
                }
            }
            Some(Ok(Meaning::Shell(_)) | Err(_)) => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::ScriptedEnvironment;

    #[test]
    fn lines_are_told_apart() {
        let check = |line: &str, expected: bool| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let environment = ScriptedEnvironment::new([("HOME", "/nowhere")]);
            assert_eq!(is_another_services(&words, &environment), expected, "{line}");
        };
        check("s3 sync a b", true);
        check("--region eu-west-1 s3 ls", true);
        check("--output json sts get-caller-identity", true);
        check("cloudfront list-distributions", false);
        check("--query s3 cloudfront list-distributions", false);
        check("--version s3", false);
        check("help", false);
        check("clodfront list-distributions", false);
        check("--output nonsense s3 ls", false);
    }

    #[test]
    fn aliases_may_stand_for_another_service() {
        let check = |line: &str, expected: Option<&str>| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let alias = |name: &str| {
                let means = match name {
                    "ls3" => "s3 ls",
                    "s3" => "s3 --profile p",
                    "again" => "ls3",
                    "gi" => "cloudfront get-invalidation",
                    "loop" => "pool",
                    "pool" => "loop",
                    _ => return None,
                };
                Some(Ok(Meaning::Words(means.split(' ').map(str::to_owned).collect())))
            };
            assert_eq!(service_of(&words, alias).as_deref(), expected, "{line}");
        };
        check("ls3", Some("s3"));
        check("again --recursive", Some("s3"));
        check("s3 ls", Some("s3"));
        check("ec2 x", Some("ec2"));
        check("gi --id 1", None);
        check("loop", None);
    }
}
