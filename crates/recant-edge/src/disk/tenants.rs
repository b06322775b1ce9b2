//! What each tenant has on the disk. Entries of the index name it by a number.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use recant_core::id::TenantId;

use super::index::Entry;

/// Those who have had something there.
#[derive(Debug, Default)]
pub(super) struct Tenants {
    /// Locked to look one up, or to add one.
    table: RwLock<Table>,
    /// Responses of all of them.
    responses: AtomicU64,
}

#[derive(Debug, Default)]
struct Table {
    numbers: HashMap<TenantId, u32>,
    tenants: Vec<Arc<OnDisk>>,
}

/// One tenant's.
#[derive(Debug)]
pub(crate) struct OnDisk {
    pub(crate) tenant: TenantId,
    responses: AtomicU64,
    bytes: AtomicU64,
}

impl Tenants {
    /// The tenant's number; it keeps it for as long as the process lives.
    pub(super) fn number_of(&self, tenant: &TenantId) -> u32 {
        if let Some(number) = self.table.read().unwrap_or_else(PoisonError::into_inner).numbers.get(tenant) {
            return *number;
        }
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let Table { numbers, tenants } = &mut *table;
        *numbers.entry(tenant.clone()).or_insert_with(|| {
            let (responses, bytes) = (AtomicU64::new(0), AtomicU64::new(0));
            tenants.push(Arc::new(OnDisk { tenant: tenant.clone(), responses, bytes }));
            u32::try_from(tenants.len() - 1).expect("there are fewer tenants than 2^32")
        })
    }

    pub(super) fn find(&self, tenant: &TenantId) -> Option<Arc<OnDisk>> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let number = *table.numbers.get(tenant)?;
        Some(table.tenants[number as usize].clone())
    }

    /// All of them, by their numbers.
    pub(super) fn all(&self) -> Vec<Arc<OnDisk>> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).tenants.clone()
    }

    pub(super) fn entered(&self, entry: &Entry) {
        self.responses.fetch_add(1, Ordering::Relaxed);
        self.with(entry, |tenant| {
            tenant.responses.fetch_add(1, Ordering::Relaxed);
            tenant.bytes.fetch_add(u64::from(entry.bytes), Ordering::Relaxed);
        });
    }

    pub(super) fn left(&self, entry: &Entry) {
        self.responses.fetch_sub(1, Ordering::Relaxed);
        self.with(entry, |tenant| {
            tenant.responses.fetch_sub(1, Ordering::Relaxed);
            tenant.bytes.fetch_sub(u64::from(entry.bytes), Ordering::Relaxed);
        });
    }

    /// An entry's response has been written, and takes so many bytes.
    pub(super) fn written(&self, tenant: u32, bytes: u32) {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.tenants[tenant as usize].bytes.fetch_add(u64::from(bytes), Ordering::Relaxed);
    }

    /// It is to be written somewhere else.
    pub(super) fn unwritten(&self, tenant: u32, bytes: u32) {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.tenants[tenant as usize].bytes.fetch_sub(u64::from(bytes), Ordering::Relaxed);
    }

    pub(super) fn responses(&self) -> u64 {
        self.responses.load(Ordering::Relaxed)
    }

    fn with(&self, entry: &Entry, change: impl FnOnce(&OnDisk)) {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        change(&table.tenants[entry.tenant as usize]);
    }
}

impl OnDisk {
    pub(crate) fn responses(&self) -> u64 {
        self.responses.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}
