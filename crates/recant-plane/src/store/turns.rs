//! Whose turn it is: commands that wait for the writer, taken in turn from everybody who has some.
//!
//! ```text
//!   first   ─▶ all of them, in their order: what the protocol has decided, and records for the audit log
//!   owner A ─▶ ┐
//!   owner B ─▶ ├─ each gets so many bytes a round, what it does not use of them is there in its next round
//!   owner C ─▶ ┘
//! ```
//!
//! So one tenant's flood delays its own commands, and those of others by what is under way. Large commands are taken when their owner has had enough
//! rounds, and one that does not fit into a group waits for the next. Of one owner nothing overtakes anything; and a record for the audit log is never later than
//! what came after it.

use std::collections::{HashMap, VecDeque};

use recant_core::limits::{COMMAND_BYTES_PER_COMMIT_MAX, COMMAND_BYTES_PER_TURN, COMMANDS_PER_COMMIT_MAX};

use super::command::Command;

/// Commands that wait, with whatever is to be known of them when they have been carried out.
#[derive(Debug)]
pub(super) struct Turns<T> {
    first: VecDeque<T>,
    owners: HashMap<Owner, Line<T>>,
    /// Who has commands, in the order of their next turns.
    next: VecDeque<Owner>,
    count: usize,
}

/// What has a command.
pub(super) trait Owned {
    fn command(&self) -> &Command;

    /// How many bytes it has to write, beside what every command has.
    fn bytes(&self) -> usize;
}

/// What a command has to write that is short, roughly.
const COMMAND_BYTES: usize = 512;

/// Whom others need not wait for: the id of a tenant or distribution, or nothing for what is of the whole plane.
type Owner = String;

#[derive(Debug)]
struct Line<T> {
    waiting: VecDeque<(T, usize)>,
    /// Bytes that its turns have left.
    credit: usize,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { first: VecDeque::new(), owners: HashMap::new(), next: VecDeque::new(), count: 0 }
    }
}

impl<T> Turns<T> {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Puts a command behind those of its owner.
    pub(super) fn push(&mut self, waiting: T)
    where
        T: Owned,
    {
        let command = waiting.command();
        match owner(command) {
            None => {
                self.first.push_back(waiting);
                self.count += 1;
            }
            Some(owner) => {
                let (owner, bytes) = (owner.to_owned(), COMMAND_BYTES + waiting.bytes());
                self.push_of(&owner, bytes, waiting);
            }
        }
    }

    fn push_of(&mut self, owner: &str, bytes: usize, waiting: T) {
        self.count += 1;
        if let Some(line) = self.owners.get_mut(owner) {
            line.waiting.push_back((waiting, bytes));
            return;
        }
        let line = Line { waiting: VecDeque::from([(waiting, bytes)]), credit: 0 };
        self.owners.insert(owner.to_owned(), line);
        self.next.push_back(owner.to_owned());
    }

    /// Takes those that are carried out next, together: some, if any wait.
    pub(super) fn take(&mut self) -> Vec<T> {
        let count = self.first.len().min(COMMANDS_PER_COMMIT_MAX);
        let mut group: Vec<T> = self.first.drain(..count).collect();
        let mut bytes = 0;
        'turns: while group.len() < COMMANDS_PER_COMMIT_MAX
            && let Some(owner) = self.next.pop_front()
        {
            let line = self.owners.get_mut(&owner).expect("whoever has a turn has a line");
            line.credit += COMMAND_BYTES_PER_TURN;
            while let Some((_, cost)) = line.waiting.front() {
                let fits =
                    group.len() < COMMANDS_PER_COMMIT_MAX && bytes + cost <= COMMAND_BYTES_PER_COMMIT_MAX;
                if *cost > line.credit && !self.next.is_empty() {
                    // The others first.
                    break;
                }
                if !fits && !group.is_empty() {
                    // Its turn goes on with the next group.
                    self.next.push_front(owner);
                    break 'turns;
                }
                let (waiting, cost) = line.waiting.pop_front().expect("it was looked at");
                line.credit = line.credit.saturating_sub(cost);
                bytes += cost;
                group.push(waiting);
            }
            if line.waiting.is_empty() {
                self.owners.remove(&owner);
            } else {
                self.next.push_back(owner);
            }
        }
        self.count -= group.len();
        group
    }
}

/// Who waits for a command, as far as others need not; nothing for what goes before all others.
fn owner(command: &Command) -> Option<&str> {
    Some(match command {
        Command::Protocol(_) | Command::Audit { .. } => return None,
        Command::CreateInvalidation { scope, .. } => scope.id(),
        Command::CreateTenant { tenant, .. } => tenant.spec.distribution_id.as_str(),
        Command::UpdateTenant { tenant, .. } => tenant.id.as_str(),
        Command::DeleteTenant { tenant, .. } => tenant.as_str(),
        Command::MoveDomain { to, .. } => to.id(),
        Command::UpdateDistribution { distribution, .. } => distribution.id.as_str(),
        Command::DeleteDistribution { distribution, .. } => distribution.as_str(),
        Command::CreateDistribution(_)
        | Command::CreateResource(_)
        | Command::UpdateResource { .. }
        | Command::UpdatePolicy { .. }
        | Command::DeleteResource { .. }
        | Command::ChangeTags { .. }
        | Command::UpdateTenants(_)
        | Command::CreateKey(_)
        | Command::UpdateKey { .. }
        | Command::DeleteKey(_)
        | Command::PruneInvalidations(_) => "",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: usize = 500;

    impl Owned for Command {
        fn command(&self) -> &Command {
            self
        }

        fn bytes(&self) -> usize {
            0
        }
    }

    fn turns(waiting: &[(&'static str, usize)]) -> Turns<(&'static str, usize)> {
        let mut turns = Turns::default();
        for (at, (owner, bytes)) in waiting.iter().enumerate() {
            turns.push_of(owner, *bytes, (*owner, at));
        }
        turns
    }

    fn groups(mut turns: Turns<(&'static str, usize)>) -> Vec<Vec<(&'static str, usize)>> {
        let groups = std::iter::from_fn(|| Some(turns.take()).filter(|group| !group.is_empty())).collect();
        assert!(turns.is_empty() && turns.owners.is_empty() && turns.next.is_empty());
        groups
    }

    #[test]
    fn who_comes_late_waits_for_no_flood() {
        let mut waiting = vec![("flood", SHORT); 10_000];
        waiting.push(("other", SHORT));
        let groups = groups(turns(&waiting));
        assert!(groups[0].contains(&("other", 10_000)), "within one group");
        let of_flood = groups.into_iter().flatten().filter(|(owner, _)| *owner == "flood");
        assert!(of_flood.map(|(_, at)| at).eq(0..10_000), "in their order");
    }

    #[test]
    fn large_commands_go_alone_and_after_many_small_ones() {
        let large = 12_000_000;
        let mut waiting = vec![("large", large); 3];
        waiting.extend(vec![("other", SHORT); 400]);
        let groups = groups(turns(&waiting));
        let sizes: Vec<_> = groups.iter().map(|group| (group[0].0, group.len())).collect();
        assert_eq!(sizes[..2], [("other", 256), ("other", 144)], "{sizes:?}");
        assert_eq!(sizes[2..], [("large", 1); 3], "{sizes:?}");
    }

    #[test]
    fn owners_share_the_bytes_of_a_group() {
        let waiting: Vec<_> = (0..4_000).map(|n| (["a", "b", "c"][n % 3], 20_000)).collect();
        let first = groups(turns(&waiting)).remove(0);
        let count = |owner| first.iter().filter(|(of, _)| *of == owner).count();
        let counts = ["a", "b", "c"].map(count);
        assert!(
            counts.iter().all(|of| of.abs_diff(counts[0]) <= 1 + COMMAND_BYTES_PER_TURN / 20_000),
            "{counts:?}"
        );
        assert!(first.len() * 20_000 <= COMMAND_BYTES_PER_COMMIT_MAX);
    }

    #[test]
    fn what_goes_first_goes_first() {
        let mut turns = Turns::default();
        turns.push(Command::DeleteKey("key".into()));
        turns.push(Command::Protocol(Vec::new()));
        assert_eq!(turns.len(), 2);
        assert!(matches!(turns.take()[..], [Command::Protocol(_), Command::DeleteKey(_)]));
    }
}
