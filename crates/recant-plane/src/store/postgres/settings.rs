//! The settings that durability needs.
//!
//! What was acknowledged must be on the disks of those that may become the primary. A server that says otherwise is
//! refused when a plane opens it, and whenever the plane's writer connects again: what was a safe primary's standby may
//! be an unsafe primary. `--unsafe-store-settings` lets development go on all the same.

use super::rows;
use super::session::{Result, Session};

/// The oldest release that is known to have what is used here: `server_version_num`.
const VERSION_MIN: i32 = 140_000;

/// Whether unsafe settings are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnsafeSettings {
    /// They are refused.
    #[default]
    Refuse,
    /// They are taken, and said: what is acknowledged may be lost.
    Accept,
}

/// A setting by which something acknowledged may be lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name} is '{value}', and {why}; --unsafe-store-settings lets a plane in development start all the same"
)]
pub struct UnsafeSetting {
    /// PostgreSQL's name of it.
    pub name: &'static str,
    /// What it is.
    pub value: String,
    /// What it would have to be, and why.
    pub why: &'static str,
}

/// Which names are looked at, what is safe, and what happens otherwise.
const CHECKS: [(&str, fn(&str) -> bool, &str); 4] = [
    ("fsync", |value| value == "on", "a commit survives a crash only when it is 'on'"),
    ("full_page_writes", |value| value == "on", "a torn page destroys the database unless it is 'on'"),
    (
        "synchronous_commit",
        |value| ["on", "remote_apply"].contains(&value),
        "a commit waits for the disk, and for the standbys' disks, only with 'on' or 'remote_apply'",
    ),
    (
        "server_version_num",
        |value| value.parse().is_ok_and(|version: i32| version >= VERSION_MIN),
        "PostgreSQL 14 is the oldest that is supported",
    ),
];

/// Looks at every setting, and gives the first that is unsafe.
pub(super) async fn find_unsafe(db: &Session) -> Result<Option<UnsafeSetting>> {
    for (name, is_safe, why) in CHECKS {
        let row = db.one("SELECT current_setting($1)", &[&name]).await?;
        let value: String = rows::get(&row, 0)?;
        if !is_safe(&value) {
            return Ok(Some(UnsafeSetting { name, value, why }));
        }
    }
    Ok(None)
}

/// Says, once at the start, what one server without standbys means.
pub(super) async fn tell_of_standbys(db: &Session) -> Result<()> {
    let row = db.one("SELECT current_setting('synchronous_standby_names')", &[]).await?;
    match rows::get(&row, 0)? {
        "" => tracing::warn!(
            "the database has no synchronous standbys: what is acknowledged is on its own disk, and lost with that disk"
        ),
        names => tracing::info!(names, "commits wait for synchronous standbys"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_safe() {
        let check = |name: &str, value: &str, expected: bool| {
            let (_, is_safe, _) = CHECKS.iter().find(|(known, ..)| *known == name).unwrap();
            assert_eq!(is_safe(value), expected, "{name} = {value}");
        };
        check("fsync", "on", true);
        check("fsync", "off", false);
        check("full_page_writes", "off", false);
        for (value, expected) in
            [("on", true), ("remote_apply", true), ("remote_write", false), ("local", false), ("off", false)]
        {
            check("synchronous_commit", value, expected);
        }
        check("server_version_num", "130012", false);
        check("server_version_num", "150005", true);
    }
}
