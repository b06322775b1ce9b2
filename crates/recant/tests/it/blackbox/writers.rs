//! Writers: they change what the origin says, invalidate it, and hold the plane to its word.

use std::time::{Duration, Instant};

use super::api::{Api, Client, Failed};
use super::http::PATIENCE;
use super::processes::a_moment;
use super::random::Random;
use super::world::{PATHS, World};

/// What is invalidated: paths as they are, and prefixes that meet them in different places.
const PATTERNS: [&str; 12] =
    ["/", "/a", "/ab", "/a/b", "/shop/1", "/shop/2", "/shop/2/c", "/a*", "/shop/*", "/shop/2*", "/a/*", "/*"];

/// An invalidation that the plane has answered for.
pub(crate) struct Accepted {
    pub(crate) tenant: usize,
    pub(crate) reference: String,
    pub(crate) paths: Vec<String>,
    pub(crate) id: String,
    /// Somebody has read `Completed`.
    pub(crate) completed: bool,
    /// An earlier try got no answer.
    pub(crate) retried: bool,
}

/// A caller with references of its own.
pub(crate) struct Writer<'a> {
    world: &'a World,
    client: Client<'a>,
    name: &'static str,
    random: Random,
    pub(crate) accepted: Vec<Accepted>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(world: &'a World, api: &'a Api, name: &'static str, random: Random) -> Self {
        Self { world, client: api.client(), name, random, accepted: Vec::new() }
    }

    /// Invalidates this and that, until the run ends.
    pub(crate) fn invalidate_what_is_viewed(mut self, tenant: usize) -> Vec<Accepted> {
        while self.world.goes_on() {
            let count = self.random.one_of(&[1, 1, 2, 3]);
            let patterns: Vec<_> = (0..count).map(|_| self.random.one_of(&PATTERNS)).collect();
            self.invalidate(tenant, &patterns);
            self.look_back();
            let time = self.random.millis_below(40);
            self.world.pause(time);
        }
        self.accepted
    }

    /// Creates invalidations that nobody waits for, so that a kill of the plane always meets one.
    pub(crate) fn create_without_a_pause(mut self, tenant: usize) -> Vec<Accepted> {
        while self.world.goes_on() {
            let path = format!("/created/{}", self.accepted.len());
            self.create(tenant, &[&path]);
            self.world.pause(Duration::from_millis(1));
        }
        self.accepted
    }

    /// Changes what the patterns match, invalidates it, waits for `Completed`; gives how long that took.
    pub(crate) fn invalidate(&mut self, tenant: usize, patterns: &[&str]) -> Option<Duration> {
        let matched = |path: &&str| patterns.iter().any(|pattern| matches(pattern, path));
        let paths: Vec<usize> = (0..PATHS.len()).filter(|&path| matched(&PATHS[path])).collect();
        // First the origin, then the invalidation: every answer begun after its acceptance says so.
        let raised = self.world.raise(tenant, &paths);
        let start = Instant::now();
        self.create(tenant, patterns)?;
        let accepted = self.accepted.last_mut().expect("one was just accepted");
        while !self.world.is_abandoned() {
            match self.client.status(tenant, &accepted.id) {
                Ok(status) if status == "Completed" => {
                    self.world.note_completed(tenant, &raised);
                    accepted.completed = true;
                    return Some(start.elapsed());
                }
                Err(Failed::Refused(why)) => {
                    self.world.breaks(format!("{} was accepted, and now: {why}", accepted.reference));
                    return None;
                }
                Ok(_) | Err(Failed::NotSent | Failed::Unanswered) => {}
            }
            if start.elapsed() > PATIENCE {
                self.world.breaks(format!("{} is never Completed", accepted.reference));
                return None;
            }
            a_moment();
        }
        None
    }

    /// Creates an invalidation, with the same reference until there is an answer.
    fn create(&mut self, tenant: usize, patterns: &[&str]) -> Option<()> {
        let reference = format!("{}-{}", self.name, self.accepted.len());
        let paths: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        let mut retried = false;
        let start = Instant::now();
        while !self.world.is_abandoned() && start.elapsed() < PATIENCE {
            match self.client.create(tenant, &reference, &paths) {
                Ok(id) => {
                    self.world.count(|counts| counts.accepted += 1);
                    self.accepted.push(Accepted { tenant, reference, paths, id, completed: false, retried });
                    return Some(());
                }
                Err(Failed::Refused(why)) => {
                    self.world.breaks(format!("{reference} was refused: {why}"));
                    return None;
                }
                Err(Failed::Unanswered) => {
                    self.world.count(|counts| counts.unanswered += 1);
                    retried = true;
                }
                Err(Failed::NotSent) => {}
            }
            a_moment();
        }
        self.world.breaks(format!("{reference} is never answered"));
        None
    }

    /// What was `Completed` once is so for ever.
    pub(crate) fn look_back(&mut self) {
        if self.accepted.is_empty() {
            return;
        }
        let earlier = &self.accepted[self.random.below(self.accepted.len())];
        let (reference, id) = (&earlier.reference, &earlier.id);
        match self.client.status(earlier.tenant, id) {
            Ok(status) if earlier.completed && status != "Completed" => {
                self.world.breaks(format!("{reference} was Completed, and is {status} again"));
            }
            Err(Failed::Refused(why)) => {
                self.world.breaks(format!("{reference} was accepted, and now: {why}"));
            }
            // While the plane is away nobody can know.
            Ok(_) | Err(Failed::NotSent | Failed::Unanswered) => {}
        }
    }
}

/// What an invalidation path means, in the plainest way.
fn matches(pattern: &str, path: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == path, |prefix| path.starts_with(prefix))
}
