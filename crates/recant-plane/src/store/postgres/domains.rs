//! Who has which domain: a tenant, or a distribution without tenants. A domain belongs to one of them only.

use recant_core::entry::Scope;
use recant_core::ledger;

use super::apply::{Stop, Tx};
use super::session::{Failure, Session};
use super::{configure, rows};
use crate::store::command::{Command, Outcome, Refusal};

/// Refuses domains that somebody else has (`CNAMEAlreadyExists`).
pub(super) async fn are_free(tx: &Tx<'_>, holder: &Scope, domains: &[&String]) -> Result<(), Stop> {
    let sql = "SELECT domain FROM domains WHERE domain = ANY($1) AND owner <> $2";
    let found = tx.rows(sql, &[&domains, &rows::owner(holder)]).await?;
    let taken = found.iter().map(|row| rows::get(row, 0)).collect::<Result<Vec<String>, _>>()?;
    match domains.iter().find(|domain| taken.contains(domain)) {
        Some(domain) => Err(Refusal::DomainTaken { domain: domain.to_string() }.into()),
        None => Ok(()),
    }
}

/// Makes these all that it has.
pub(super) async fn put(tx: &Tx<'_>, holder: &Scope, domains: &[&String]) -> Result<(), Stop> {
    release(tx, holder).await?;
    take(tx, holder, domains).await
}

/// Gives it domains that are free.
pub(super) async fn take(tx: &Tx<'_>, holder: &Scope, domains: &[&String]) -> Result<(), Stop> {
    // A domain named twice by one tenant is one domain.
    let sql = "INSERT INTO domains (domain, owner) SELECT unnest($1::text[]), $2 ON CONFLICT DO NOTHING";
    tx.execute(sql, &[&domains, &rows::owner(holder)]).await?;
    Ok(())
}

/// Takes all that it has.
pub(super) async fn release(tx: &Tx<'_>, holder: &Scope) -> Result<(), Stop> {
    tx.execute("DELETE FROM domains WHERE owner = $1", &[&rows::owner(holder)]).await?;
    Ok(())
}

/// Who has a domain.
pub(super) async fn holder(db: &Session, domain: &str) -> Result<Option<Scope>, Failure> {
    let row = db.row("SELECT owner FROM domains WHERE domain = $1", &[&domain]).await?;
    row.map(|row| rows::owner_scope(&row, 0)).transpose()
}

/// Two entries: the one that has the domain gives it up first, so that no edge ever sees two owners.
pub(super) async fn change_holder(tx: &Tx<'_>, command: &Command) -> Result<Outcome, Stop> {
    let Command::MoveDomain { domain, from, to, if_match, from_etag, to_etag, now } = command else {
        unreachable!("only this command is given");
    };
    let mut target = configure::holder(tx, to).await?;
    ledger::precondition(if_match.as_deref(), target.etag()).map_err(Refusal::from)?;
    if holder(tx, domain).await?.ok_or(Refusal::NoSuchDomain)? != *from {
        return Err(Refusal::ChangedMeanwhile.into());
    }
    if from == to {
        return configure::as_it_is(tx, to).await;
    }
    let mut source = configure::holder(tx, from).await?;
    if source.is_enabled() {
        return Err(Refusal::NotDisabled.into());
    }
    source.give_up(domain, from_etag, *now)?;
    target.take(domain, to_etag, *now)?;
    configure::put(tx, source).await?;
    configure::put(tx, target).await
}
