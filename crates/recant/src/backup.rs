//! `recant backup` and `recant restore`: a plane's data as a copy, and what planes start on made of one.

use recant_core::limits::LEASE_MAX;
use recant_core::protocol::LeaseParams;
use recant_plane::backup::{self, Edges};
use recant_plane::clock;
use recant_plane::store::postgres;

use crate::options::{BackUpOptions, RestoreOptions, Restored};
use crate::{serve, stdout};

/// Takes a backup.
pub(crate) fn back_up(options: &BackUpOptions) -> anyhow::Result<()> {
    backup::back_up(&options.data_dir, &options.to)?;
    stdout::say(&format!(
        "{} holds the plane's data as of now, its root key and its edges' secret. Keep it as safe as the folder itself.\n",
        options.to.display()
    ))
}

/// Makes a data folder of a backup, or a restored database ready.
pub(crate) fn restore(options: &RestoreOptions) -> anyhow::Result<()> {
    let (what, next) = match &options.what {
        Restored::Folder { from, data_dir } => {
            backup::restore(from, data_dir, options.edges)?;
            let dir = data_dir.display();
            let next = format!(
                "Stop the plane that was, and start: recant serve --data-dir {dir} (or recant plane, as before)\n"
            );
            (format!("{dir} is restored"), next)
        }
        Restored::Postgres(server) => {
            serve::runtime()?.block_on(postgres::restore(server, options.edges, clock::boot_now))?;
            ("The database is ready".to_owned(), "Start the planes on it, as before.\n".to_owned())
        }
    };
    let edges = match options.edges {
        Edges::AreStopped => String::new(),
        Edges::MayRun => format!(
            "Edges of the plane that was may still run: nothing completes in the first {} seconds. \
             Had all been stopped, --edges-stopped would have spared that.\n",
            LeaseParams::for_lease(LEASE_MAX).hold.as_secs()
        ),
    };
    stdout::say(&format!(
        "{what}, with a new history: every edge will drop what it has stored. What was accepted after the \
         backup is gone.\n{edges}{next}"
    ))
}
