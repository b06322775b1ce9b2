//! The pager: which program shows long results on a terminal.

use crate::config::Config;
use crate::environment::Environment;
use crate::error::Error;
use crate::words;

/// What is used where nobody chose.
const DEFAULT: &str = "less";

/// The pager's command; none where standard output is no terminal, or the user wants none.
pub(crate) fn find(environment: &dyn Environment, config: &Config) -> Option<String> {
    environment.terminal_columns()?;
    environment
        .var("AWS_PAGER")
        .or_else(|| config.get("cli_pager").map(str::to_owned))
        .or_else(|| environment.var("PAGER"))
        .or_else(|| Some(DEFAULT.to_owned()))
        .filter(|command| !command.trim().is_empty())
}

/// Starts it. It is no shell that splits the command.
///
/// # Errors
///
/// When it does not start.
pub(crate) fn start(environment: &mut dyn Environment, command: &str) -> Result<(), Error> {
    let words = words::split(command)?;
    environment.page_through(&words).map_err(|why| {
        let program = words.first().map_or("", String::as_str);
        let why = crate::input::files::system_error(&why, program);
        Error::Configuration {
            code: "Pager",
            message: format!(
                "Unable to redirect output to pager. Received the following error when opening pager:\n{why}\n\n\
                 Learn more about configuring the output pager by running \"aws help config-vars\"."
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::ScriptedEnvironment;

    #[test]
    fn the_first_setting_wins_even_if_it_says_none() {
        let check = |vars: &[(&str, &str)], terminal: bool, want: Option<&str>| {
            let mut environment = ScriptedEnvironment::new(vars.iter().copied());
            environment.terminal_columns = terminal.then_some(80);
            let found = find(&environment, &Config::default());
            assert_eq!(found.as_deref(), want, "{vars:?}");
        };
        check(&[], true, Some("less"));
        check(&[], false, None);
        check(&[("PAGER", "more")], true, Some("more"));
        check(&[("PAGER", "more"), ("AWS_PAGER", "cat")], true, Some("cat"));
        check(&[("PAGER", "more"), ("AWS_PAGER", "")], true, None);
    }
}
