//! A run: what the schedule decides is done, and what comes back is told to it.

use std::thread;
use std::time::{Duration, SystemTime};

use recant_wire::document::{Document, Members};
use recant_wire::request::Request;

use super::batch::Batch;
use super::created::Created;
use super::crew::{self, Crew, Delivery, Whose};
use super::operation;
use super::progress::Progress;
use super::refusal::{self, Refusal};
use super::schedule::{Ask, Heard, Schedule, Step};
use super::stored;
use super::tenant::Tenant;
use crate::call::{Answer, Caller};
use crate::environment::Environment;
use crate::error::Error;

/// What calls are made of.
#[derive(Debug)]
pub(super) struct Calls<'a, 'config> {
    caller: &'a mut Caller<'config>,
    batch: &'a Batch,
    /// What is older than this is of another run.
    began: SystemTime,
    /// How often the credentials were renewed. What was signed before says nothing about those at hand.
    renewals: u32,
}

impl<'a, 'config> Calls<'a, 'config> {
    /// Calls that begin now.
    pub(super) fn new(
        environment: &dyn Environment,
        caller: &'a mut Caller<'config>,
        batch: &'a Batch,
    ) -> Self {
        Self { began: environment.now(), caller, batch, renewals: 0 }
    }

    /// Runs the schedule to its end.
    ///
    /// # Errors
    ///
    /// No credentials, a connection that cannot be made, an input that cannot be sent.
    pub(super) fn drive(
        &mut self,
        environment: &mut dyn Environment,
        schedule: &mut Schedule,
        progress: &mut Progress,
    ) -> Result<(), Error> {
        let transport = self.caller.open(environment)?;
        let (order, orders) = crew::orders();
        let outcome = thread::scope(|scope| {
            let mut crew = Crew::new(scope, (order, &orders), transport);
            loop {
                let now = environment.monotonic();
                match schedule.next(now) {
                    Step::Call(index, ask, attempt) => {
                        let request = self.spell(ask, schedule.tenant(index))?;
                        let signed = self.caller.sign(environment, self.name(ask), &request, attempt)?;
                        crew.send(Whose { tenant: index, renewals: self.renewals }, signed);
                    }
                    Step::Await(until) => {
                        progress.show(environment, schedule, now);
                        let tick = progress.tick();
                        if let Some(delivery) = wait(environment, &mut crew, until, now, tick) {
                            self.deliver(environment, schedule, progress, delivery);
                        }
                    }
                    Step::Over => return Ok(()),
                }
            }
        });
        progress.finish(environment, schedule);
        outcome
    }

    /// The name of a call: the operation's, or our own.
    fn name(&self, ask: Ask) -> &'static str {
        match ask {
            Ask::Create => self.batch.kind.create(),
            Ask::Poll => self.batch.kind.get(),
            Ask::Count => stored::NAME,
        }
    }

    fn spell(&self, ask: Ask, tenant: &Tenant) -> Result<Request, Error> {
        match (ask, &tenant.created) {
            (Ask::Count, _) => Ok(stored::request(self.batch.kind, &tenant.id, self.batch.paths_document())),
            (Ask::Poll, Some(created)) => {
                let input: Members = [(self.batch.kind.member(), &tenant.id), ("Id", &created.id)]
                    .into_iter()
                    .map(|(member, id)| (member, Document::from(id)))
                    .collect();
                self.caller.spell(operation(self.name(ask)), &input)
            }
            (Ask::Create | Ask::Poll, _) => {
                self.caller.spell(operation(self.name(Ask::Create)), &self.batch.input(&tenant.id))
            }
        }
    }

    fn deliver(
        &mut self,
        environment: &mut dyn Environment,
        schedule: &mut Schedule,
        progress: &mut Progress,
        (whose, exchange): Delivery,
    ) {
        let index = whose.tenant;
        let answer = Answer::of(environment, exchange, &self.caller.url());
        let heard = match schedule.ask(index) {
            Ask::Count => stored::hear(answer),
            ask => self.hear(environment, ask, whose.renewals, answer),
        };
        // Of many tenants it is said at the end.
        if let Heard::Invalidation(created) = &heard
            && created.is_replay
            && schedule.is_single()
        {
            progress.say(environment, &replay(created));
        }
        let (now, random) = (environment.monotonic(), environment.random());
        schedule.answered(index, now, heard, random);
        // Before anything more is sent, so that an interrupt tells what is true.
        progress.arm(environment, schedule.tally());
    }

    fn hear(&mut self, environment: &mut dyn Environment, ask: Ask, renewals: u32, answer: Answer) -> Heard {
        let operation = operation(self.name(ask));
        match answer {
            Answer::Reply(reply) => {
                match self.caller.read(operation, &reply).and_then(|result| Created::read(&result)) {
                    Ok(mut created) => {
                        created.is_replay = ask == Ask::Create
                            && self.batch.deploy_id.is_given()
                            && created.is_older_than(self.began);
                        Heard::Invalidation(created)
                    }
                    Err(error) => Heard::Unreadable(error),
                }
            }
            Answer::Refused { status, code, message, retry_after } => {
                if refusal::is_expiry(&code) && self.has_others(environment, renewals) {
                    return Heard::Renewed;
                }
                let refusal = Refusal::of(status, &code);
                let error =
                    Error::Service { code, message, operation: operation.name, reached_max_retries: None };
                Heard::Refused { refusal, error, retry_after }
            }
            Answer::None { message, is_transient } => {
                Heard::Unanswered { error: Error::general(message), is_transient }
            }
        }
    }

    /// Whether there are other credentials than those that a call was signed with: those of a role end after an hour, a run over many tenants
    /// may not.
    fn has_others(&mut self, environment: &mut dyn Environment, renewals: u32) -> bool {
        if renewals == self.renewals && self.caller.renew(environment).unwrap_or(false) {
            self.renewals += 1;
        }
        renewals < self.renewals
    }
}

/// What a step that was run again should know.
fn replay(created: &Created) -> String {
    format!(
        "{} is of {}, before this run: the same paths had been sent under this deploy id, and nothing new is \
         invalidated. A new deploy needs another --deploy-id",
        created.id, created.time
    )
}

/// Waits for an answer, or until a time. Where no answer is to come the environment's own sleep is all that passes time.
fn wait(
    environment: &mut dyn Environment,
    crew: &mut Crew<'_, '_>,
    until: Option<Duration>,
    now: Duration,
    tick: Duration,
) -> Option<Delivery> {
    let left = until.map(|until| until.saturating_sub(now));
    match left {
        Some(left) if crew.is_idle() => {
            environment.sleep(left.min(tick));
            None
        }
        left => crew.delivery(left.map_or(tick, |left| left.min(tick))),
    }
}
