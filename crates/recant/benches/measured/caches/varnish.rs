//! Varnish as Debian ships it: one pool of threads, the store in memory, bans and purges taken as requests.
//!
//! It compiles its configuration with the C compiler at every start.

use std::fs;
use std::ops::Range;

use anyhow::{Context, Result};

use crate::caches::contents::host;
use crate::caches::way::Way;
use crate::caches::{Cache, Site, ask, free_address, version};
use crate::load::{Until, VIEWERS, Viewer, load};
use crate::processes::{Running, started};

/// A method whose request adds the ban in its header `x-ban`.
const BAN: &str = "BAN";
/// A method whose request purges the key in its header `x-key`.
const PURGE_KEY: &str = "PURGEKEY";

/// Starts it.
pub(crate) fn start(site: &Site<'_>) -> Result<Cache> {
    start_with(site, "", "", "")
}

/// Starts it with the module xkey of the package varnish-modules, and the host as the key of each response.
fn start_with_keys(site: &Site<'_>) -> Result<Cache> {
    start_with(
        site,
        "import xkey;",
        &format!("if (req.method == \"{PURGE_KEY}\") {{ xkey.purge(req.http.x-key); return (synth(200)); }}"),
        "set beresp.http.xkey = bereq.http.host;",
    )
}

fn start_with(site: &Site<'_>, import: &str, request: &str, response: &str) -> Result<Cache> {
    let name = format!("varnish {}", version("varnishd", "-V", "(varnish-", ' ')?);
    let folder = site.make_folder()?;
    let address = free_address()?;
    let (origin, origin_port) = (site.origin.ip(), site.origin.port());
    let configuration = folder.join("default.vcl");
    // Bans on what responses have are what its manual recommends: only they can be worked off by the lurker.
    let text = format!(
        "vcl 4.1;
         {import}
         backend default {{ .host = \"{origin}\"; .port = \"{origin_port}\"; }}
         sub vcl_recv {{
           if (req.method == \"{BAN}\") {{ ban(req.http.x-ban); return (synth(200)); }}
           {request}
         }}
         sub vcl_backend_response {{
           set beresp.http.x-host = bereq.http.host;
           set beresp.http.x-url = bereq.url;
           {response}
         }}
         sub vcl_deliver {{ unset resp.http.x-host; unset resp.http.x-url; unset resp.http.xkey; }}\n"
    );
    fs::write(&configuration, text)?;
    let mut command = started("varnishd", site.core);
    command.arg("-F").arg("-n").arg(folder.join("work")).arg("-f").arg(&configuration);
    command.args(["-a", &address.to_string(), "-s", &format!("malloc,{}m", site.store_mebibytes())]);
    // Its own user may not enter the folder; the process is this user's anyway.
    command.args(["-j", "none", "-p", "thread_pools=1"]);
    let mut server = Running::start(&mut command, folder.join("output.log")).context("varnishd")?;
    server.until("varnishd", || Viewer::open(address).ok())?;
    Ok(Cache { name, address, server, plane: None })
}

/// What an invalidation names.
enum Named {
    /// What responses have, which the lurker can look at too.
    Responses,
    /// What requests have, which only a request can be compared with.
    Requests,
    /// A key in the index of xkey.
    Keys,
}

struct Invalidations {
    cache: Cache,
    named: Named,
}

/// Starts it for bans of what responses have.
pub(crate) fn ban_responses(site: &Site<'_>) -> Result<Box<dyn Way>> {
    Ok(Box::new(Invalidations { cache: start(site)?, named: Named::Responses }))
}

/// Starts it for bans of what requests have.
pub(crate) fn ban_requests(site: &Site<'_>) -> Result<Box<dyn Way>> {
    Ok(Box::new(Invalidations { cache: start(site)?, named: Named::Requests }))
}

/// Starts it for purges by key.
pub(crate) fn purge_keys(site: &Site<'_>) -> Result<Box<dyn Way>> {
    Ok(Box::new(Invalidations { cache: start_with_keys(site)?, named: Named::Keys }))
}

impl Way for Invalidations {
    fn cache(&self) -> &Cache {
        &self.cache
    }

    fn everything_of(&mut self, tenant: usize, _stored: usize) -> Result<()> {
        let host = host(tenant);
        let (method, line) = match self.named {
            Named::Responses => (BAN, format!("x-ban: obj.http.x-host == {host}\r\n")),
            Named::Requests => (BAN, format!("x-ban: req.http.host == {host}\r\n")),
            Named::Keys => (PURGE_KEY, format!("x-key: {host}\r\n")),
        };
        let request = move |_, request: &mut Vec<u8>| ask(request, method, &host, "/", &line);
        load(self.cache.address, 1, None, Until::Each(1), &[200], &request).map(drop)
    }

    fn paths(&mut self, numbers: Range<usize>) -> Result<()> {
        let (host, first) = (host(0), numbers.start);
        let request = |n: usize, request: &mut Vec<u8>| {
            let nothing = format!("^/nothing/{}$", first + n);
            let (method, line) = match self.named {
                Named::Responses => {
                    (BAN, format!("x-ban: obj.http.x-host == {host} && obj.http.x-url ~ {nothing}\r\n"))
                }
                Named::Requests => {
                    (BAN, format!("x-ban: req.http.host == {host} && req.url ~ {nothing}\r\n"))
                }
                Named::Keys => (PURGE_KEY, format!("x-key: {nothing}\r\n")),
            };
            ask(request, method, &host, "/", &line);
        };
        load(self.cache.address, VIEWERS, None, Until::Each(numbers.len()), &[200], &request).map(drop)
    }
}
