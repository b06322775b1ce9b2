//! The shared files `~/.aws/config` and `~/.aws/credentials`, seen through one profile.
//!
//! Answers what a setting is in the profile of this call, or in another that it refers to. What wins between the command line, the environment and the files is each
//! setting's own business, not this module's.

pub(crate) mod ini;

use std::collections::BTreeSet;
use std::path::Path;

use crate::config::ini::{Section, Value};
use crate::environment::Environment;
use crate::error::Error;

/// The profile that is used when none is named.
const DEFAULT_PROFILE: &str = "default";

/// The settings of one call.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// The profile's name.
    pub profile_name: String,
    /// Whether it was named by `--profile`, which takes the environment's credentials out of the chain.
    pub profile_from_option: bool,
    /// The sections of `~/.aws/config`.
    config: Vec<Section>,
    /// The sections of `~/.aws/credentials`.
    credentials: Vec<Section>,
}

/// What both files say about one profile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile<'a> {
    config: Option<&'a Section>,
    credentials: Option<&'a Section>,
}

impl<'a> Profile<'a> {
    /// A setting; the credentials file's word wins.
    pub(crate) fn get(&self, key: &str) -> Option<&'a str> {
        self.in_credentials_file(key).or_else(|| self.in_config_file(key))
    }

    /// A setting that must stand in the credentials file.
    pub(crate) fn in_credentials_file(&self, key: &str) -> Option<&'a str> {
        text(self.credentials, key)
    }

    /// A setting that must stand in the config file.
    pub(crate) fn in_config_file(&self, key: &str) -> Option<&'a str> {
        text(self.config, key)
    }
}

impl Config {
    /// Reads both files and picks the profile.
    ///
    /// # Errors
    ///
    /// A file that cannot be parsed, or a profile that was named and is in neither.
    pub(crate) fn load(environment: &dyn Environment, option: Option<&str>) -> Result<Self, Error> {
        let option = option.filter(|name| !name.is_empty());
        let named = option
            .map(str::to_owned)
            .or_else(|| environment.var("AWS_PROFILE"))
            .or_else(|| environment.var("AWS_DEFAULT_PROFILE"));
        let loaded = Self {
            profile_name: named.clone().unwrap_or_else(|| DEFAULT_PROFILE.to_owned()),
            profile_from_option: option.is_some(),
            config: read(environment, "AWS_CONFIG_FILE", "~/.aws/config")?,
            credentials: read(environment, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")?,
        };
        let name = &loaded.profile_name;
        if named.is_some() && loaded.profile(name).is_none() {
            return Err(Error::general(format!("The config profile ({name}) could not be found")));
        }
        Ok(loaded)
    }

    /// The names of all profiles, sorted; files that cannot be read name none.
    pub(crate) fn profile_names(environment: &dyn Environment) -> Vec<String> {
        let sections = |variable, default| read(environment, variable, default).unwrap_or_default();
        let config = sections("AWS_CONFIG_FILE", "~/.aws/config");
        let credentials = sections("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials");
        let config = config.iter().filter_map(|section| profile_of(&section.header));
        let credentials = credentials.iter().map(|section| section.header.as_str());
        let names: BTreeSet<&str> = config.chain(credentials).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// A profile, if either file has it. `[profile default]` and `[default]` may both be there; the last one counts.
    pub(crate) fn profile(&self, name: &str) -> Option<Profile<'_>> {
        let last = |sections: &'_ [Section], fits: &dyn Fn(&str) -> bool| {
            sections.iter().rposition(|section| fits(&section.header))
        };
        let config = last(&self.config, &|header| profile_of(header) == Some(name));
        let credentials = last(&self.credentials, &|header| header == name);
        (config.is_some() || credentials.is_some()).then(|| Profile {
            config: config.map(|index| &self.config[index]),
            credentials: credentials.map(|index| &self.credentials[index]),
        })
    }

    /// A setting of the profile of this call.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.profile(&self.profile_name)?.get(key)
    }

    /// A section `[kind name]` that is no profile.
    pub(crate) fn section(&self, kind: &str, name: &str) -> Option<&Section> {
        self.config.iter().rfind(|section| section_of(&section.header, kind) == Some(name))
    }

    /// A setting for a service in the `services` section that the profile names.
    pub(crate) fn for_service(&self, service: &str, key: &str) -> Option<&str> {
        match self.section("services", self.get("services")?)?.get(service)? {
            Value::Nested(pairs) => {
                pairs.iter().find(|(have, _)| have == key).map(|(_, value)| value.as_str())
            }
            Value::Text(_) => None,
        }
    }

    /// A switch that the environment or the profile may turn on; anything but `true` is off.
    pub(crate) fn switch(&self, environment: &dyn Environment, variable: &str, key: &str) -> bool {
        let value = environment.var(variable).or_else(|| self.get(key).map(str::to_owned));
        value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

fn text<'a>(section: Option<&'a Section>, key: &str) -> Option<&'a str> {
    match section?.get(key)? {
        Value::Text(text) => Some(text),
        Value::Nested(_) => None,
    }
}

/// The profile that a header of the config file names.
pub(crate) fn profile_of(header: &str) -> Option<&str> {
    if header == DEFAULT_PROFILE { Some(header) } else { section_of(header, "profile") }
}

/// The name in a header `kind name` or `kind "name"`.
fn section_of<'a>(header: &'a str, kind: &str) -> Option<&'a str> {
    let rest = header.strip_prefix(kind)?;
    let name = rest.trim();
    if rest.len() == name.len() || name.is_empty() {
        return None;
    }
    for quote in ['"', '\''] {
        if let Some(inside) = name.strip_prefix(quote).and_then(|name| name.strip_suffix(quote)) {
            return Some(inside);
        }
    }
    (!name.contains(char::is_whitespace)).then_some(name)
}

/// Reads one of the shared files; one that is not there is empty.
fn read(environment: &dyn Environment, variable: &str, default: &str) -> Result<Vec<Section>, Error> {
    let path =
        environment.expand_path(&environment.var_non_empty(variable).unwrap_or_else(|| default.to_owned()));
    let Ok(bytes) = std::fs::read(&path) else {
        return Ok(Vec::new());
    };
    let unparsable = || unparsable(&path);
    let text = String::from_utf8(bytes).map_err(|_| unparsable())?;
    ini::parse(&text).map_err(|_| unparsable())
}

fn unparsable(path: &Path) -> Error {
    Error::general(format!("Unable to parse config file: {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_name_profiles() {
        let check = |header: &str, want: Option<&str>| assert_eq!(profile_of(header), want, "{header}");
        check("default", Some("default"));
        check("profile default", Some("default"));
        check("profile  dev", Some("dev"));
        check("profile \"a b\"", Some("a b"));
        check("profile a b", None);
        check("profiledev", None);
        check("dev", None);
        check("profile", None);
    }
}
