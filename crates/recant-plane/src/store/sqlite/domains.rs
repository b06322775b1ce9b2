//! Who has which domain: a tenant, or a distribution without tenants. A domain belongs to one of them only.

use recant_core::entry::Scope;
use recant_core::ledger;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::apply::Stop;
use super::{configure, rows};
use crate::store::command::{Command, Outcome, Refusal};

/// Refuses domains that somebody else has (`CNAMEAlreadyExists`).
pub(super) fn are_free<'d>(
    db: &Connection,
    holder: &Scope,
    domains: impl IntoIterator<Item = &'d String>,
) -> Result<(), Stop> {
    for domain in domains {
        if self::holder(db, domain)?.is_some_and(|other| other != *holder) {
            return Err(Refusal::DomainTaken { domain: domain.clone() }.into());
        }
    }
    Ok(())
}

/// Makes these all that it has.
pub(super) fn put<'d>(
    db: &Connection,
    holder: &Scope,
    domains: impl IntoIterator<Item = &'d String>,
) -> Result<(), Stop> {
    release(db, holder)?;
    take(db, holder, domains)
}

/// Gives it domains that are free.
pub(super) fn take<'d>(
    db: &Connection,
    holder: &Scope,
    domains: impl IntoIterator<Item = &'d String>,
) -> Result<(), Stop> {
    // A domain named twice by one tenant is one domain.
    let mut take = db.prepare_cached("INSERT OR IGNORE INTO domains (domain, owner) VALUES (?1, ?2)")?;
    let owner = rows::owner(holder);
    for domain in domains {
        take.execute(params![domain, owner])?;
    }
    Ok(())
}

/// Takes all that it has.
pub(super) fn release(db: &Connection, holder: &Scope) -> Result<(), Stop> {
    db.prepare_cached("DELETE FROM domains WHERE owner = ?1")?.execute([rows::owner(holder)])?;
    Ok(())
}

/// Who has a domain.
pub(super) fn holder(db: &Connection, domain: &str) -> rusqlite::Result<Option<Scope>> {
    db.prepare_cached("SELECT owner FROM domains WHERE domain = ?1")?
        .query_row([domain], |row| rows::owner_scope(row, 0))
        .optional()
}

/// Two entries: the one that has the domain gives it up first, so that no edge ever sees two owners.
pub(super) fn change_holder(db: &Connection, command: &Command) -> Result<Outcome, Stop> {
    let Command::MoveDomain { domain, from, to, if_match, from_etag, to_etag, now } = command else {
        unreachable!("only this command is given");
    };
    let mut target = configure::holder(db, to)?;
    ledger::precondition(if_match.as_deref(), target.etag()).map_err(Refusal::from)?;
    if holder(db, domain)?.ok_or(Refusal::NoSuchDomain)? != *from {
        return Err(Refusal::ChangedMeanwhile.into());
    }
    if from == to {
        return configure::as_it_is(db, to);
    }
    let mut source = configure::holder(db, from)?;
    if source.is_enabled() {
        return Err(Refusal::NotDisabled.into());
    }
    source.give_up(domain, from_etag, *now)?;
    target.take(domain, to_etag, *now)?;
    configure::put(db, source)?;
    configure::put(db, target)
}
