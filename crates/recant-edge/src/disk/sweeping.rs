//! The sweep's look at the disk, and a count of what lies only there.
//!
//! Most of it are two numbers: what is known to be valid up to the newest rule of its tenant is valid up to where the rules are
//! known. Only what something new may concern is read: its head, from the disk, in the order in which it lies there.

use std::sync::Arc;

use recant_core::id::TenantId;
use recant_core::position::Position;
use recant_core::rules::Rules;

use super::index::At;
use super::judging::{Judge, Judgement};
use super::record::{ResponseHead, Variant};
use super::segment::Place;
use super::tenants::OnDisk;
use super::tier::Tier;
use crate::removals::Removals;
use crate::store::Store;
use crate::world::World;

/// Heads that are read before the sweep rests.
const HEADS_AT_ONCE: usize = 64;

/// A pass over all that lies on the disk.
pub(crate) struct Pass {
    tier: Arc<Tier>,
    judge: Judge,
    tenants: Vec<Arc<OnDisk>>,
    next_part: usize,
    /// What has to be read of the parts so far, with its key's hash, the last first.
    to_read: Vec<(Place, u64)>,
    purged: u64,
}

impl Pass {
    /// Looks at some; whether there are more. Heads are read from the disk.
    pub(crate) fn step(&mut self, store: &Store, removals: &Removals) -> bool {
        if self.to_read.is_empty() {
            if !self.tier.index.parts().contains(&self.next_part) {
                return false;
            }
            self.look_at_part(self.next_part);
            self.next_part += 1;
            return true;
        }
        for _ in 0..HEADS_AT_ONCE {
            let Some((place, hash)) = self.to_read.pop() else { break };
            self.look_at(place, hash, store, removals);
        }
        true
    }

    /// Responses that went so far.
    pub(crate) fn purged(&self) -> u64 {
        self.purged
    }

    fn look_at_part(&mut self, part: usize) {
        let Self { tier, judge, tenants, to_read, purged, .. } = self;
        let looked = judge.looked;
        let gone = tier.index.retain(part, |hash, entry| {
            // Those who came after the pass began are looked at by the next.
            let Some(tenant) = tenants.get(entry.tenant as usize) else { return true };
            if !tier.is_current(looked.era) {
                return true;
            }
            match judge.newest(&tenant.tenant) {
                None => return false,
                Some(newest) if entry.valid >= newest => entry.valid = entry.valid.max(looked.position),
                Some(_) => {
                    if let At::Place(place) = entry.at {
                        to_read.push((place, hash));
                    }
                }
            }
            true
        });
        *purged += gone.len() as u64;
        tier.note_gone(&gone);
        to_read.sort_unstable_by(|a, b| b.cmp(a));
    }

    fn look_at(&mut self, place: Place, hash: u64, store: &Store, removals: &Removals) {
        let Self { tier, judge, purged, .. } = self;
        let looked = judge.looked;
        let entries = tier.index.find(hash);
        let Some(entry) = entries.iter().find(|entry| entry.at == At::Place(place)) else { return };
        let judgement = match tier.read_head(place) {
            Some((_, head)) => judge.judge(&head, entry.valid),
            // Damaged, or just gone with its segment.
            None => Judgement::Nobodys,
        };
        if let Judgement::Valid { .. } = judgement {
            let is_it =
                |entry: &super::index::Entry| entry.at == At::Place(place) && tier.is_current(looked.era);
            tier.index.change(hash, is_it, |entry| entry.valid = entry.valid.max(looked.position));
            return;
        }
        let gone = tier.index.take(hash, |entry| entry.at == At::Place(place));
        if let (Judgement::Dead { tenant, rule }, false) = (&judgement, gone.is_empty()) {
            removals.found_on_disk(&store.account(tenant), looked.era, *rule);
        }
        *purged += gone.len() as u64;
        tier.note_gone(&gone);
    }
}

impl Tier {
    /// A pass over all of it.
    pub(crate) fn pass(self: &Arc<Self>, world: &Arc<World>) -> Pass {
        let (judge, tenants) = (Judge::now(world), self.tenants.all());
        Pass { tier: self.clone(), judge, tenants, next_part: 0, to_read: Vec::new(), purged: 0 }
    }

    /// How many responses of a tenant lie only on the disk, are valid, and are matched by these rules; nothing when that is not wanted
    /// any more.
    pub(crate) fn count(
        &self,
        world: &Arc<World>,
        tenant: &TenantId,
        asked: &Rules,
        is_in_memory: impl Fn(&ResponseHead, Variant) -> bool,
        is_wanted: impl Fn() -> bool,
    ) -> Option<u64> {
        let Some(on_disk) = self.of_tenant(tenant) else { return Some(0) };
        let number = self.tenants.number_of(&on_disk.tenant);
        let mut judge = Judge::now(world);
        let mut count = 0;
        for part in self.index.parts() {
            let mut to_read = Vec::new();
            self.index.retain(part, |_, entry| {
                if let (At::Place(place), true) = (entry.at, entry.tenant == number) {
                    to_read.push((place, entry.variant, entry.valid));
                }
                true
            });
            to_read.sort_unstable_by_key(|(place, ..)| *place);
            for (place, variant, valid) in to_read {
                if !is_wanted() {
                    return None;
                }
                let Some((_, head)) = self.read_head(place) else { continue };
                let is_asked_for = head.newest_of([asked, asked]) > Position::ZERO;
                let mut is_valid = || matches!(judge.judge(&head, valid), Judgement::Valid { .. });
                if is_asked_for && is_valid() && !is_in_memory(&head, variant) {
                    count += 1;
                }
            }
        }
        self.is_current(judge.looked.era).then_some(count)
    }
}
