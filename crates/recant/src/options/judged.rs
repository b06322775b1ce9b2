//! Options that are judged by the plane, and what it says of them.
//!
//! The plane knows what a lease or a name may be. It has no words for the command line: those are put in here, so that a value that is wrong is told
//! like any other.

use recant_plane::StartError;

use super::Usage;

/// What the plane calls its options, and how they are typed.
const NAMES: [(&str, &str); 3] =
    [("lease", "--lease-seconds"), ("routing suffix", "--routing-suffix"), ("public URL", "--public-url")];

/// What is wrong with the line, if that is why something did not start.
pub(crate) fn usage(error: &anyhow::Error) -> Option<Usage> {
    match error.downcast_ref() {
        Some(StartError::Option { option, why }) => {
            let typed = NAMES.iter().find(|(name, _)| name == option).map_or(*option, |(_, typed)| typed);
            Some(Usage { message: format!("{typed}: {why}") })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use recant_plane::Plane;

    use super::*;
    use crate::options::{self, Command};

    #[tokio::test]
    async fn an_option_that_the_plane_refuses_is_named_as_it_is_typed() {
        let check = async |words: &str, expected: &str| {
            // The plane looks at its options before it looks at its folder.
            let line = format!("plane --data-dir /nonexistent/recant --api 127.0.0.1:0 {words}");
            let command = options::parse(line.split_whitespace().map(Into::into).collect());
            let Ok(Command::Plane(options)) = command else { panic!("{line}: {command:?}") };
            let started = Plane::start(options.plane).await.context("the plane does not start");
            let usage = usage(&started.unwrap_err()).unwrap_or_else(|| panic!("{line}"));
            assert!(usage.message.starts_with(expected), "{line}: {}", usage.message);
        };
        check("--lease-seconds 0", "--lease-seconds: a lease lasts 1 to 300 seconds").await;
        check("--lease-seconds 301", "--lease-seconds: ").await;
        check("--routing-suffix *", "--routing-suffix: '*'").await;
        check("--public-url foo", "--public-url: 'foo' is not like https://host:port").await;
        assert!(usage(&anyhow::anyhow!("the disk is gone")).is_none());
    }
}
