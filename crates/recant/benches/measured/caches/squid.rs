//! Squid as Debian ships it: one process, the store in memory, `PURGE` allowed.

use std::fs;
use std::ops::Range;
use std::os::unix::fs::chown;

use anyhow::{Context, Result};
use nix::unistd::User;

use crate::caches::contents::{TENANTS, host, path};
use crate::caches::way::Way;
use crate::caches::{Cache, Site, ask, free_address, version};
use crate::load::{Until, VIEWERS, Viewer, load};
use crate::processes::{Running, started};

/// The user of Debian's package; root is refused.
const USER: &str = "proxy";

/// Starts it.
pub(crate) fn start(site: &Site<'_>) -> Result<Cache> {
    let name = format!("squid {}", version("squid", "-v", "Version ", ' ')?);
    let folder = site.make_folder()?;
    let address = free_address()?;
    if nix::unistd::getuid().is_root() {
        let user = User::from_name(USER)?.with_context(|| format!("no user {USER}"))?;
        chown(&folder, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
    }
    let (own, origin, origin_port) = (folder.display(), site.origin.ip(), site.origin.port());
    let configuration = folder.join("squid.conf");
    let text = format!(
        "http_port {address} accel vhost\n\
         cache_peer {origin} parent {origin_port} 0 no-query no-digest originserver name=origin\n\
         never_direct allow all\n\
         acl purge method PURGE\n\
         http_access allow all\n\
         cache_mem {} MB\n\
         maximum_object_size_in_memory 1 MB\n\
         memory_cache_mode always\n\
         access_log none\n\
         cache_store_log none\n\
         cache_log {own}/cache.log\n\
         pid_filename {own}/squid.pid\n\
         coredump_dir {own}\n\
         cache_effective_user {USER}\n\
         pinger_enable off\n\
         client_db off\n\
         shutdown_lifetime 0 seconds\n",
        site.store_mebibytes()
    );
    fs::write(&configuration, text)?;
    let mut command = started("squid", site.core);
    // Segments of shared memory are called by the service's name, which has to be its own for that.
    let service = format!("bench{}", address.port());
    command.args(["-N", "-n", &service, "-f"]).arg(&configuration);
    let mut server = Running::start(&mut command, folder.join("output.log")).context("squid")?;
    server.until("squid", || Viewer::open(address).ok())?;
    Ok(Cache { name, address, server, plane: None })
}

/// Asks to purge one thing after the other, all of which the operator has to know.
struct Purges {
    cache: Cache,
}

/// Starts it for purges.
pub(crate) fn purge_each(site: &Site<'_>) -> Result<Box<dyn Way>> {
    Ok(Box::new(Purges { cache: start(site)? }))
}

impl Way for Purges {
    fn cache(&self) -> &Cache {
        &self.cache
    }

    fn everything_of(&mut self, tenant: usize, stored: usize) -> Result<()> {
        let host = host(tenant);
        let purge = |n: usize, request: &mut Vec<u8>| ask(request, "PURGE", &host, &path(n), "");
        let things = Until::Each(stored / TENANTS);
        load(self.cache.address, VIEWERS, None, things, &[200, 404], &purge).map(drop)
    }

    fn paths(&mut self, numbers: Range<usize>) -> Result<()> {
        let (host, first) = (host(0), numbers.start);
        let purge = |n: usize, request: &mut Vec<u8>| {
            ask(request, "PURGE", &host, &format!("/nothing/{}", first + n), "");
        };
        load(self.cache.address, VIEWERS, None, Until::Each(numbers.len()), &[200, 404], &purge).map(drop)
    }
}
