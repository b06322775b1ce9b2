//! A group of commands, carried out in one transaction.

use recant_core::entry::Hash;
use recant_core::position::Position;

use super::apply::{self, Stop, Tx};
use super::audit;
use super::invalidate::{self, Create};
use super::session::Failure;
use crate::store::StoreError;
use crate::store::command::{Command, Outcome};
use crate::store::queue::{Answer, Request};

/// Carries the commands of a group out, each in a savepoint, in their order. Two kinds that come by the hundreds are carried out
/// together: creates of invalidations that follow one another, and records for the audit log, which nothing else looks at.
///
/// # Errors
/// When the database fails other than by one command's fault: nothing of the group can be answered.
pub(super) async fn perform(tx: &Tx<'_>, group: &[Request]) -> Result<Vec<Answer>, Failure> {
    let mut answers: Vec<Option<Answer>> = group.iter().map(|_| None).collect();
    let (mut creates, mut records) = (Vec::new(), Vec::new());
    for (at, request) in group.iter().enumerate() {
        match &request.command {
            Command::Audit { keep, .. } => {
                records.push((request.spelled.record(), *keep));
                answers[at] = Some(Ok(Outcome::Recorded));
            }
            Command::CreateInvalidation { .. } => creates.push(at),
            _ => {
                perform_creates(tx, group, &mut creates, &mut answers).await?;
                answers[at] = Some(perform_one(tx, request).await?);
            }
        }
    }
    perform_creates(tx, group, &mut creates, &mut answers).await?;
    if !records.is_empty() {
        audit::append_all(tx, &records).await?;
    }
    Ok(answers.into_iter().map(|answer| answer.expect("each command is answered")).collect())
}

/// Carries creates out, named by their places in the group: together, and if one of them cannot be stored, one by one.
async fn perform_creates(
    tx: &Tx<'_>,
    group: &[Request],
    places: &mut Vec<usize>,
    answers: &mut [Option<Answer>],
) -> Result<(), Failure> {
    let places = std::mem::take(places);
    if let [at] = places[..] {
        answers[at] = Some(perform_one(tx, &group[at]).await?);
    }
    if places.len() < 2 {
        return Ok(());
    }
    let creates: Vec<Create<'_>> = places.iter().filter_map(|at| Create::of(&group[*at])).collect();
    let before = tx.end();
    let (begun, outcomes) =
        tokio::join!(biased; tx.run("SAVEPOINT command"), invalidate::create_all(tx, &creates));
    begun?;
    match outcomes {
        Ok(outcomes) => {
            for (at, outcome) in places.into_iter().zip(outcomes) {
                answers[at] = Some(Ok(outcome));
            }
            tx.run("RELEASE SAVEPOINT command").await
        }
        Err(Stop::Failed(failure)) if !failure.is_of_the_command() => Err(failure),
        Err(Stop::Failed(_) | Stop::Refused(_)) => {
            undo(tx, before).await?;
            for at in places {
                answers[at] = Some(perform_one(tx, &group[at]).await?);
            }
            Ok(())
        }
    }
}

/// Carries one command out.
async fn perform_one(tx: &Tx<'_>, request: &Request) -> Result<Answer, Failure> {
    let before = tx.end();
    // Sent together, in this order.
    let (begun, outcome) = tokio::join!(biased; tx.run("SAVEPOINT command"), apply::apply(tx, request));
    begun?;
    let answer = match outcome {
        Ok(outcome) => {
            tx.run("RELEASE SAVEPOINT command").await?;
            return Ok(Ok(outcome));
        }
        Err(Stop::Refused(refusal)) => Ok(Outcome::Refused(refusal)),
        // A row that may not be, such as an id given out twice: this command's fault alone.
        Err(Stop::Failed(failure)) if failure.is_of_the_command() => {
            Err(StoreError::Command { reason: failure.to_string() })
        }
        Err(Stop::Failed(failure)) => return Err(failure),
    };
    undo(tx, before).await?;
    Ok(answer)
}

/// Takes back what was done since the savepoint.
async fn undo(tx: &Tx<'_>, (position, hash): (Position, Hash)) -> Result<(), Failure> {
    tx.run("ROLLBACK TO SAVEPOINT command; RELEASE SAVEPOINT command").await?;
    tx.move_end(position, hash);
    Ok(())
}
