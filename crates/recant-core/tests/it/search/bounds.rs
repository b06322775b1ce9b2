//! How far the search goes, and the protocol's rules, each of them broken.

/// How far the search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bounds {
    pub(super) ticks: u64,
    /// How many ticks the first plane's leases last.
    pub(super) first_lease: u32,
    pub(super) invalidations: u64,
    pub(super) heartbeats: usize,
    pub(super) edge_restarts: u8,
    pub(super) plane_restarts: u8,
    pub(super) breaks: u8,
    /// How often what is stored may be stale, and be validated.
    pub(super) validations: u8,
    /// How often the edge may sweep. Then an invalidation may also be of another key: about the one that is followed it
    /// says nothing, and what is known to be valid up to there is newer than its stamp.
    pub(super) sweeps: u8,
    /// How often the edge may be killed and go on with what it has kept: its journal up to any place, and what is stored.
    pub(super) resumes: u8,
    /// How often the journal may begin anew with the rules as they are.
    pub(super) checkpoints: u8,
}

impl Bounds {
    /// Lost and delayed renewals, leases that run out, and nothing worse.
    const CALM: Self = Self {
        ticks: 2,
        first_lease: 1,
        invalidations: 2,
        heartbeats: 1,
        edge_restarts: 0,
        plane_restarts: 0,
        breaks: 0,
        validations: 0,
        sweeps: 0,
        resumes: 0,
        checkpoints: 0,
    };

    /// The worlds that are searched: each adds one kind of trouble.
    pub(super) const ALL: [Self; 11] = [
        Self { ticks: 3, invalidations: 1, ..Self::CALM },
        Self { breaks: 1, ..Self::CALM },
        Self { validations: 1, ..Self::CALM },
        Self { plane_restarts: 1, first_lease: 2, ..Self::CALM },
        Self { edge_restarts: 1, ticks: 1, ..Self::CALM },
        Self { edge_restarts: 1, plane_restarts: 1, ticks: 1, invalidations: 1, ..Self::CALM },
        Self { sweeps: 1, validations: 1, ticks: 1, ..Self::CALM },
        Self { resumes: 1, ticks: 1, ..Self::CALM },
        Self { resumes: 1, plane_restarts: 1, ticks: 1, invalidations: 1, ..Self::CALM },
        Self { resumes: 1, checkpoints: 1, ticks: 1, ..Self::CALM },
        Self { resumes: 1, checkpoints: 1, sweeps: 1, ticks: 1, invalidations: 1, ..Self::CALM },
    ];
}

impl Bounds {
    pub(super) fn validates(&self) -> bool {
        self.validations > 0
    }

    /// Whether a mutant can show here, if it shows at all.
    pub(super) fn may_show(&self, mutant: Mutant) -> bool {
        match mutant {
            Mutant::RulesForgotten | Mutant::ValidAhead => self.sweeps > 0,
            Mutant::LeaseKept | Mutant::StampedAnew | Mutant::CutOverlooked => self.resumes > 0,
            Mutant::CheckpointWithoutRules | Mutant::ValidUnlooked => self.checkpoints > 0,
            _ => self.resumes == 0,
        }
    }
}

/// One rule of PURGE.md, broken; the numbers are those of its section 3.8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Mutant {
    /// M1: the stamp is taken when the response is stored, not when its origin request starts.
    StampAtInsert,
    /// M2: rules are not looked at on a hit.
    RulesIgnored,
    /// M3: a hit needs no lease.
    LeaseIgnored,
    /// M4: the lease is counted from the receipt of the grant.
    LeaseFromReceipt,
    /// M5: the plane counts a grant for less time than the edge.
    HoldShorterThanLease,
    /// M6: an entry is acknowledged before it is applied.
    AckBeforeApply,
    /// M7: any fetch in flight is joined.
    JoinUnchecked,
    /// M8: without a lease, an earlier fetch is joined.
    JoinWithoutLease,
    /// M13: a new plane forgets who held leases.
    LeasesForgotten,
    /// Ours: a new plane waits for leases as long as its own are.
    OwnLeasesAwaited,
    /// M16: completion does not wait for leases to run out.
    ExpiryNotAwaited,
    /// M17: the rules are those of the moment the viewer connected.
    RulesPinned,
    /// M18: the lease was looked at before the request arrived.
    LeasePinned,
    /// M19: what is invalidated stands in for an origin that fails.
    StaleUnchecked,
    /// M22: a 304 makes what is stored as new as its own request.
    ConfirmedAsNew,
    /// Ours: the sweep forgets rules and raises no floor in their place.
    RulesForgotten,
    /// Ours: the sweep takes what it looked at for valid up to what is committed, and not to what is applied.
    ValidAhead,
    /// Ours: who goes on after a kill goes on with the lease, too.
    LeaseKept,
    /// Ours: what is found on the disk is taken for as new as the log.
    StampedAnew,
    /// Ours: who goes on says that it has applied what was applied, and not what its journal has.
    CutOverlooked,
    /// Ours: a journal that begins anew leaves out the rules.
    CheckpointWithoutRules,
    /// Ours: a journal that begins anew says of all that is stored that it is valid.
    ValidUnlooked,
}

impl Mutant {
    pub(super) const ALL: [Self; 22] = [
        Self::StampAtInsert,
        Self::RulesIgnored,
        Self::LeaseIgnored,
        Self::LeaseFromReceipt,
        Self::HoldShorterThanLease,
        Self::AckBeforeApply,
        Self::JoinUnchecked,
        Self::JoinWithoutLease,
        Self::LeasesForgotten,
        Self::OwnLeasesAwaited,
        Self::ExpiryNotAwaited,
        Self::RulesPinned,
        Self::LeasePinned,
        Self::StaleUnchecked,
        Self::ConfirmedAsNew,
        Self::RulesForgotten,
        Self::ValidAhead,
        Self::LeaseKept,
        Self::StampedAnew,
        Self::CutOverlooked,
        Self::CheckpointWithoutRules,
        Self::ValidUnlooked,
    ];
}
