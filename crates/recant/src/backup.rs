//! `recant backup` and `recant restore`: a plane's data as a copy, and a data folder made of one.

use recant_core::limits::LEASE_MAX;
use recant_core::protocol::LeaseParams;
use recant_plane::backup::{self, Edges};

use crate::options::{BackUpOptions, RestoreOptions};
use crate::stdout;

/// Takes a backup.
pub(crate) fn back_up(options: &BackUpOptions) -> anyhow::Result<()> {
    backup::back_up(&options.data_dir, &options.to)?;
    stdout::say(&format!(
        "{} holds the plane's data as of now, its root key and its edges' secret. Keep it as safe as the folder itself.\n",
        options.to.display()
    ))
}

/// Makes a data folder of a backup.
pub(crate) fn restore(options: &RestoreOptions) -> anyhow::Result<()> {
    backup::restore(&options.from, &options.data_dir, options.edges)?;
    let dir = options.data_dir.display();
    let edges = match options.edges {
        Edges::AreStopped => String::new(),
        Edges::MayRun => format!(
            "Edges of the plane that was may still run: nothing completes in the first {} seconds. \
             Had all been stopped, --edges-stopped would have spared that.\n",
            LeaseParams::for_lease(LEASE_MAX).hold.as_secs()
        ),
    };
    stdout::say(&format!(
        "{dir} is restored, with a new history: every edge will drop what it has stored. What was accepted after the \
         backup is gone.\n{edges}Stop the plane that was, and start: recant serve --data-dir {dir} (or recant plane, as before)\n"
    ))
}
