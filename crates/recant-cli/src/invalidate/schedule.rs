//! Which tenant is asked for what, and when: all decisions of a run, and nothing else.
//!
//! Told everything: times and random numbers come in as arguments, what to do goes out as a [`Step`]. A tenant's way:
//!
//! ```text
//!            throttled: all slow down         throttled, unwell
//!            full, unwell: it waits            ┌───┐
//!                  ┌───┐                       ▼   │
//!   new ─────────▶ create ── InProgress ────▶ poll ─┤── Completed ──▶ done
//!                  │   │                       │   └── time over ──▶ done, still InProgress
//!                  │   └── Completed, or no --wait ──▶ done
//!                  └── refused, or in vain for too long ──▶ failed
//! ```
//!
//! A tenant that fails does not hold up the others. What is about the caller, or an endpoint that is gone, ends the run; what it did not get to
//! stays undone, and the same references can be sent again.

mod step;

use std::collections::BTreeSet;
use std::time::Duration;

pub(super) use self::step::{Aim, Ask, Bounds, Heard, Phase, Step};

use super::created::Created;
use super::pace::Pace;
use super::refusal::Refusal;
use super::tenant::{Tally, Tenant};
use crate::error::Error;
use crate::retry::Retry;

/// The first pause between two polls: an invalidation that all edges take at once is done by then.
const POLL_PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest pause between two polls.
const POLL_PAUSE_MAX: Duration = Duration::from_secs(5);
/// The first pause of a tenant that has too much in progress.
const FULL_PAUSE_MIN: Duration = Duration::from_secs(1);
/// The longest such pause; CloudFront takes seconds to minutes to complete an invalidation.
const FULL_PAUSE_MAX: Duration = Duration::from_secs(30);
/// So many tenants one after the other that have too much in progress have a limit in common.
const FULL_IN_A_ROW_MAX: u32 = 3;
/// How long after the end of a wait the last polls may go out.
const LAST_LOOK_MAX: Duration = Duration::from_secs(1);

/// The decisions of a run.
#[derive(Debug)]
pub(super) struct Schedule {
    aim: Aim,
    bounds: Bounds,
    tenants: Vec<Tenant>,
    /// The next tenant that nothing was sent for.
    fresh: usize,
    /// Creates and counts to send again, by the time they are due.
    again: BTreeSet<(Duration, usize)>,
    /// Polls by the time they are due.
    polls: BTreeSet<(Duration, usize)>,
    in_flight: usize,
    /// Calls for a first answer that are under way.
    creating: usize,
    pace: Pace,
    /// The end of the wait; known when the last invalidation was created.
    deadline: Option<Duration>,
    /// The last answer that was no "not now", or the first call.
    heard: Option<Duration>,
    is_known: bool,
    full_in_a_row: u32,
    stopped: Option<Error>,
    tally: Tally,
}

impl Schedule {
    /// A run over tenants, in their order.
    pub(super) fn new(aim: Aim, bounds: Bounds, tenants: Vec<Tenant>) -> Self {
        let tally = Tally { tenants: tenants.len(), ..Tally::default() };
        Self {
            aim,
            bounds,
            tenants,
            fresh: 0,
            again: BTreeSet::new(),
            polls: BTreeSet::new(),
            in_flight: 0,
            creating: 0,
            pace: Pace::default(),
            deadline: None,
            heard: None,
            is_known: bounds.is_known,
            full_in_a_row: 0,
            stopped: None,
            tally,
        }
    }

    /// A tenant.
    pub(super) fn tenant(&self, index: usize) -> &Tenant {
        &self.tenants[index]
    }

    /// Whether it is about one tenant.
    pub(super) fn is_single(&self) -> bool {
        self.tenants.len() == 1
    }

    /// How far it is.
    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What is being done.
    pub(super) fn phase(&self) -> Phase {
        match (self.aim, self.deadline) {
            (Aim::Count, _) => Phase::Counting,
            (Aim::Create { .. }, None) => Phase::Creating,
            (Aim::Create { .. }, Some(deadline)) => Phase::Waiting { deadline },
        }
    }

    /// The tenants, and what ended the run early, if anything did.
    pub(super) fn into_outcome(self) -> (Vec<Tenant>, Option<Error>) {
        (self.tenants, self.stopped)
    }

    /// What to do now.
    pub(super) fn next(&mut self, now: Duration) -> Step {
        self.set_deadline(now);
        if self.stopped.is_some() || self.in_flight >= self.bounds.concurrency {
            return if self.in_flight == 0 { Step::Over } else { Step::Await(None) };
        }
        let end = self.deadline.map(|deadline| deadline + LAST_LOOK_MAX);
        if end.is_some_and(|end| now >= end) {
            self.polls.clear();
        }
        let Some((due, index)) = self.first_due(now) else {
            return if self.in_flight == 0 { Step::Over } else { Step::Await(None) };
        };
        let at = due.max(self.pace.next());
        if at > now {
            return Step::Await(Some(end.map_or(at, |end| at.min(end))));
        }
        self.take(index);
        self.pace.sent(now);
        self.heard.get_or_insert(now);
        let tenant = &mut self.tenants[index];
        tenant.sent = now;
        tenant.attempts += 1;
        let attempt = tenant.attempts;
        Step::Call(index, self.ask(index), attempt)
    }

    /// Takes an answer in; `random` is from 0 to 1.
    pub(super) fn answered(&mut self, index: usize, now: Duration, heard: Heard, random: f64) {
        self.in_flight -= 1;
        if self.ask(index) != Ask::Poll {
            self.creating -= 1;
        }
        match heard {
            Heard::Invalidation(created) => {
                self.progressed(index, now);
                self.pace.answered();
                self.full_in_a_row = 0;
                self.tally.held_up = None;
                self.keep(index, created, now);
            }
            Heard::Stored(stored) => {
                self.progressed(index, now);
                self.tenants[index].stored = Some(stored);
                self.tally.counted += 1;
            }
            Heard::NoCount(refusal) => {
                self.tenants[index].failure = refusal;
                // Who does not count for one tenant counts for none.
                self.fresh = self.tenants.len();
                self.again.clear();
            }
            Heard::Renewed => self.put_back(index, now),
            Heard::Unreadable(error) => self.fail(index, now, error),
            Heard::Refused { refusal, error, retry_after } => {
                self.refused(index, now, (refusal, error, retry_after), random);
            }
            Heard::Unanswered { error, is_transient } => {
                let in_vain = self.is_in_vain(index, now) || self.is_stalled(now);
                if in_vain || !is_transient {
                    self.stopped.get_or_insert(error);
                } else {
                    if self.is_known {
                        self.pace.refused(self.tenants[index].sent, now, None);
                    }
                    let pause = Retry::pause(self.tenants[index].attempts, random);
                    self.hold_up(index, now + pause, &error);
                }
            }
        }
    }

    fn refused(
        &mut self,
        index: usize,
        now: Duration,
        (refusal, error, retry_after): (Refusal, Error, Option<Duration>),
        random: f64,
    ) {
        // Who says "too much" can be talked to.
        self.is_known |= matches!(refusal, Refusal::Throttled | Refusal::Full);
        let sent = self.tenants[index].sent;
        match refusal {
            Refusal::Caller => {
                self.stopped.get_or_insert(error);
            }
            Refusal::Final => self.fail(index, now, error),
            Refusal::Full if !self.bounds.has_room => self.fail(index, now, error),
            Refusal::Full | Refusal::Unwell if self.is_in_vain(index, now) => self.fail(index, now, error),
            Refusal::Throttled => {
                self.pace.refused(sent, now, retry_after);
                if self.is_stalled(now) {
                    self.stopped.get_or_insert(error);
                } else {
                    self.hold_up(index, now, &error);
                }
            }
            Refusal::Full => {
                let tenant = &mut self.tenants[index];
                tenant.pause = (tenant.pause * 2).clamp(FULL_PAUSE_MIN, FULL_PAUSE_MAX);
                // Half of the pause is left to chance, so that tenants do not come back all at once.
                let pause = retry_after.unwrap_or(tenant.pause.mul_f64(0.5 + random / 2.0));
                self.full_in_a_row += 1;
                if self.full_in_a_row >= FULL_IN_A_ROW_MAX {
                    self.pace.refused(sent, now, None);
                }
                self.hold_up(index, now + pause, &error);
            }
            Refusal::Unwell => {
                // Who is unwell is not pushed, for whichever tenant.
                self.pace.refused(sent, now, None);
                let pause = retry_after.unwrap_or(Retry::pause(self.tenants[index].attempts, random));
                self.hold_up(index, now + pause, &error);
            }
        }
    }

    /// The call that a tenant is at.
    pub(super) fn ask(&self, index: usize) -> Ask {
        match (self.aim, &self.tenants[index].created) {
            (Aim::Count, _) => Ask::Count,
            (Aim::Create { .. }, None) => Ask::Create,
            (Aim::Create { .. }, Some(_)) => Ask::Poll,
        }
    }

    /// Invalidations first, then polls: those longest due.
    fn first_due(&self, now: Duration) -> Option<(Duration, usize)> {
        let again = self.again.first().copied();
        if let Some((due, index)) = again.filter(|(due, _)| *due <= now) {
            return Some((due, index));
        }
        if self.fresh < self.tenants.len() {
            return Some((Duration::ZERO, self.fresh));
        }
        let poll = self.polls.first().map(|(due, index)| (self.by_deadline(*due), *index));
        [again, poll].into_iter().flatten().min()
    }

    fn by_deadline(&self, due: Duration) -> Duration {
        self.deadline.map_or(due, |deadline| due.min(deadline))
    }

    fn take(&mut self, index: usize) {
        self.in_flight += 1;
        if self.ask(index) == Ask::Poll {
            self.polls.pop_first();
            return;
        }
        self.creating += 1;
        if index == self.fresh {
            self.fresh += 1;
        } else {
            self.again.pop_first();
        }
    }

    fn put_back(&mut self, index: usize, due: Duration) {
        // The last look is not repeated.
        if self.ask(index) == Ask::Poll
            && self.deadline.is_some_and(|deadline| self.tenants[index].sent >= deadline)
        {
            return;
        }
        let queue = if self.ask(index) == Ask::Poll { &mut self.polls } else { &mut self.again };
        queue.insert((due, index));
    }

    /// The wait begins when no create is left.
    fn set_deadline(&mut self, now: Duration) {
        if let Aim::Create { wait: Some(wait) } = self.aim
            && self.fresh == self.tenants.len()
            && self.again.is_empty()
            && self.creating == 0
            && (self.in_flight > 0 || !self.polls.is_empty())
        {
            self.deadline.get_or_insert(now + wait);
        }
    }

    fn keep(&mut self, index: usize, mut created: Created, now: Duration) {
        let tenant = &mut self.tenants[index];
        match &tenant.created {
            None => {
                self.tally.created += 1;
                self.tally.replayed += usize::from(created.is_replay);
                tenant.pause = POLL_PAUSE_MIN;
            }
            Some(before) => {
                created.is_replay = before.is_replay;
                tenant.pause = (tenant.pause * 3 / 2).min(POLL_PAUSE_MAX);
            }
        }
        let is_completed = created.is_completed();
        let pause = tenant.pause;
        tenant.created = Some(created);
        self.tally.completed += usize::from(is_completed);
        let is_over = self.deadline.is_some_and(|deadline| now >= deadline);
        if !is_completed && !is_over && matches!(self.aim, Aim::Create { wait: Some(_) }) {
            self.polls.insert((now + pause, index));
        }
    }

    fn fail(&mut self, index: usize, now: Duration, error: Error) {
        self.progressed(index, now);
        self.tenants[index].failure = Some(error);
        self.tally.failed += 1;
    }

    /// An answer that is not about how busy the service is.
    fn progressed(&mut self, index: usize, now: Duration) {
        self.heard = Some(now);
        self.is_known = true;
        let tenant = &mut self.tenants[index];
        tenant.attempts = 0;
        tenant.refused_since = None;
    }

    /// The same again later.
    fn hold_up(&mut self, index: usize, due: Duration, error: &Error) {
        let why = error.structure().map_or_else(|| error.to_string(), |(code, _)| code.to_owned());
        self.tally.held_up = Some(why);
        self.put_back(index, due);
    }

    /// Whether a tenant has been refused for so long that it is given up.
    fn is_in_vain(&mut self, index: usize, now: Duration) -> bool {
        let tenant = &mut self.tenants[index];
        let since = *tenant.refused_since.get_or_insert(now);
        let is_strange = !self.is_known && tenant.attempts >= self.bounds.attempts_max;
        is_strange || now.saturating_sub(since) >= self.bounds.give_up_after
    }

    /// Whether all calls have been refused for so long that the run is given up.
    fn is_stalled(&self, now: Duration) -> bool {
        self.heard.is_some_and(|heard| now.saturating_sub(heard) >= self.bounds.give_up_after)
    }
}

#[cfg(test)]
mod tests;
