//! What the store for several planes promises besides.

use recant_plane::clock;
use recant_plane::store::postgres::{Candidate, PostgresStore, Server, UnsafeSettings};

use super::World;
use super::samples::NOW;
use crate::postgres;

/// A database of its own on the server that the tests share.
pub(crate) struct Database(String);

impl Database {
    /// A plane that wants this database's term.
    pub(crate) fn candidate(&self) -> Candidate {
        let server: Server = self.0.parse().unwrap();
        Candidate::new(server, UnsafeSettings::Refuse, "127.0.0.1:1".to_owned(), clock::boot_now)
    }
}

impl World for Database {
    type Store = PostgresStore;

    fn new() -> Self {
        Self(postgres::shared().make_database())
    }

    fn open(&self) -> PostgresStore {
        let mut candidate = self.candidate();
        let open = async { candidate.open(NOW).await.unwrap() };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(open))
    }
}
