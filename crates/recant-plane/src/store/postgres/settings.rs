//! The settings that durability needs.
//!
//! What was acknowledged must be on the disks of those that may become the primary (PURGE.md section 5). A server that says otherwise is
//! refused when a plane opens it, and whenever the plane's writer connects again: what was a safe primary's standby may
//! be an unsafe primary. Nobody can see from here whether a server is alone or has standbys that are not waited for. So whoever has one server, and
//! nothing that would take its place, says so: `--store-without-standbys`. `--unsafe-store-settings` lets development go on with anything.

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
    /// They are refused, but that there are no standbys: what is acknowledged is on one disk, and goes with that.
    WithoutStandbys,
    /// They are taken, and said: what is acknowledged may be lost.
    Accept,
}

/// A setting by which something acknowledged may be lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database is not safe: {name} is '{value}', and {why}; {way_out}")]
pub struct UnsafeSetting {
    /// PostgreSQL's name of it.
    pub name: &'static str,
    /// What it is.
    pub value: String,
    /// What it would have to be, and why.
    pub why: &'static str,
    /// How to start all the same.
    pub way_out: &'static str,
}

/// A setting that is looked at.
struct Check {
    name: &'static str,
    is_safe: fn(&str) -> bool,
    /// What it would have to be, and why.
    why: &'static str,
}

const STANDBYS: &str = "synchronous_standby_names";

const CHECKS: [Check; 5] = [
    Check {
        name: "fsync",
        is_safe: |value| value == "on",
        why: "a commit survives a crash only when it is 'on'",
    },
    Check {
        name: "full_page_writes",
        is_safe: |value| value == "on",
        why: "a torn page destroys the database unless it is 'on'",
    },
    Check {
        name: "synchronous_commit",
        is_safe: |value| ["on", "remote_apply"].contains(&value),
        why: "a commit waits for the disk, and for the standbys' disks, only with 'on' or 'remote_apply'",
    },
    Check {
        name: "server_version_num",
        is_safe: |value| value.parse().is_ok_and(|version: i32| version >= VERSION_MIN),
        why: "PostgreSQL 14 is the oldest that is supported",
    },
    Check {
        name: STANDBYS,
        is_safe: |value| !value.trim().is_empty(),
        why: "what was acknowledged outlives the server only on standbys that commits wait for, as with 'ANY 1 (a, b)'",
    },
];

/// Looks at every setting, and gives the first that is unsafe and not taken. Those that are taken are said, where that is wanted.
pub(super) async fn find_unsafe(
    db: &Session,
    taken: UnsafeSettings,
    say: bool,
) -> Result<Option<UnsafeSetting>> {
    for Check { name, is_safe, why } in CHECKS {
        let row = db.one("SELECT current_setting($1)", &[&name]).await?;
        let value: String = rows::get(&row, 0)?;
        if is_safe(&value) {
            continue;
        }
        let way_out = match name {
            STANDBYS => "--store-without-standbys lets a plane start on a server that stands alone",
            _ => "--unsafe-store-settings lets a plane in development start all the same",
        };
        let found = UnsafeSetting { name, value, why, way_out };
        match taken {
            UnsafeSettings::Accept if say && name != STANDBYS => {
                tracing::warn!(%found, "what is acknowledged may be lost");
            }
            UnsafeSettings::Accept => {}
            UnsafeSettings::WithoutStandbys if name == STANDBYS => {}
            UnsafeSettings::Refuse | UnsafeSettings::WithoutStandbys => return Ok(Some(found)),
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
            let check = CHECKS.iter().find(|check| check.name == name).unwrap();
            assert_eq!((check.is_safe)(value), expected, "{name} = {value}");
        };
        check("fsync", "on", true);
        check("fsync", "off", false);
        check("full_page_writes", "off", false);
        for (value, expected) in
            [("on", true), ("remote_apply", true), ("remote_write", false), ("local", false), ("off", false)]
        {
            check("synchronous_commit", value, expected);
        }
        check("synchronous_standby_names", "", false);
        check("synchronous_standby_names", "ANY 1 (a, b)", true);
        check("server_version_num", "130012", false);
        check("server_version_num", "150005", true);
    }
}
