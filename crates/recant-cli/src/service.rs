//! Whose line it is: CloudFront's, or another service's that this program does not know.

use std::ffi::OsString;

use crate::alias::Aliases;
use crate::command::SERVICE;
use crate::environment::Environment;
use crate::similar::closest;
use crate::{globals, lowargs};

/// Whether a line calls another service, as `s3 sync …` does. A line that is wrong is not another service's, and
/// neither is one that begins with an alias: an alias may stand for anything, and is looked up first.
pub fn is_another_services(words: &[OsString], environment: &dyn Environment) -> bool {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let Ok(line) = lowargs::scan(globals::TABLE, &words) else { return false };
    let Some(service) = line.positional.filter(|_| line.stopped_by.is_none()) else { return false };
    // A near miss is taken for a slip of the hand: it is answered here, with the suggestion.
    let is_ours = service == "help" || !closest(&service, [SERVICE].into_iter()).is_empty();
    if is_ours {
        return false;
    }
    let alias = Aliases::load(environment).and_then(|aliases| Ok(aliases.find(&[], &service)?.is_some()));
    matches!(alias, Ok(false))
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
}
