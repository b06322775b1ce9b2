//! Apache Traffic Server as Debian ships it: one thread, the store in a file in memory and before that in its own memory.
//!
//! It lives in a root of its own (a run root), so that nothing of an installed one is read or written.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::caches::{Cache, Site, free_address, version};
use crate::load::Viewer;
use crate::processes::{Running, started};

/// The header that proves that a tenant may be purged.
pub(crate) const SECRET_HEADER: &str = "x-let-go";
/// What stands in it.
pub(crate) const SECRET: &str = "let-go";

/// Its file overwrites the oldest when it is full, and even a small response takes some 5 KiB of it.
const STORE_FACTOR: u64 = 3;

/// How tenants are told apart and taken away.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plugin {
    /// None.
    Nothing,
    /// A rule with a generation for each tenant: the plugin remap_purge.
    RemapPurge,
    /// One list of patterns, which a manager has to be running for to read it anew: the plugin regex_revalidate.
    RegexRevalidate,
}

/// Starts it.
pub(crate) fn start(site: &Site<'_>) -> Result<Cache> {
    start_with(site, Plugin::Nothing)
}

/// Starts it with a plugin.
pub(crate) fn start_with(site: &Site<'_>, plugin: Plugin) -> Result<Cache> {
    let name = format!("trafficserver {}", version("traffic_server", "-V", "traffic_server - ", ' ')?);
    let folder = site.make_folder()?;
    let address = free_address()?;
    for part in ["config", "var", "run", "log", "cache"] {
        fs::create_dir(folder.join(part))?;
    }
    fs::write(folder.join("runroot.yaml"), root(&folder))?;
    let config = folder.join("config");
    fs::write(config.join("records.config"), records(address, site))?;
    fs::write(
        config.join("storage.config"),
        format!("{} {}M\n", folder.join("cache").display(), STORE_FACTOR * site.store_mebibytes()),
    )?;
    fs::write(config.join("remap.config"), rules(&folder, site, plugin))?;
    let everybody = "ip_allow: [{apply: in, ip_addrs: 127.0.0.1, action: allow, methods: ALL}]\n";
    fs::write(config.join("ip_allow.yaml"), everybody)?;
    let list = list(&folder);
    let plugins = match plugin {
        Plugin::RegexRevalidate => format!("regex_revalidate.so --config={}\n", list.display()),
        _ => String::new(),
    };
    fs::write(config.join("plugin.config"), plugins)?;
    // An empty list is none to it.
    fs::write(&list, "^nothing-is-called-this$ 4000000000\n")?;
    let program = if plugin == Plugin::RegexRevalidate { "traffic_manager" } else { "traffic_server" };
    let mut command = started(program, site.core);
    command.arg(format!("--run-root={}", folder.display()));
    let mut server = Running::start(&mut command, folder.join("output.log")).context("traffic_server")?;
    server.until("traffic_server", || Viewer::open(address).ok())?;
    Ok(Cache { name, address, server, plane: None })
}

/// The list that regex_revalidate reads.
pub(crate) fn list(folder: &Path) -> PathBuf {
    folder.join("regex_revalidate.conf")
}

fn root(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "prefix: {folder}\nexec_prefix: /usr\nbindir: /usr/bin\nsbindir: /usr/sbin\nincludedir: /usr/include\n\
         libdir: /usr/lib/trafficserver\nlibexecdir: /usr/lib/trafficserver/modules\n\
         sysconfdir: {folder}/config\ndatadir: {folder}/var\nlocalstatedir: {folder}/var\n\
         runtimedir: {folder}/run\nlogdir: {folder}/log\ncachedir: {folder}/cache\n"
    )
}

fn records(address: SocketAddr, site: &Site<'_>) -> String {
    format!(
        "CONFIG proxy.config.http.server_ports STRING {}:ip-in={}\n\
         # As whoever starts it.\n\
         CONFIG proxy.config.admin.user_id STRING #-1\n\
         CONFIG proxy.config.exec_thread.autoconfig INT 0\n\
         CONFIG proxy.config.exec_thread.limit INT 1\n\
         CONFIG proxy.config.accept_threads INT 0\n\
         CONFIG proxy.config.task_threads INT 1\n\
         CONFIG proxy.config.log.logging_enabled INT 0\n\
         CONFIG proxy.config.url_remap.pristine_host_hdr INT 1\n\
         CONFIG proxy.config.http.insert_response_via_str INT 0\n\
         CONFIG proxy.config.http.keep_alive_no_activity_timeout_in INT 600\n\
         CONFIG proxy.config.cache.min_average_object_size INT 500\n\
         CONFIG proxy.config.cache.ram_cache.size INT {}\n",
        address.port(),
        address.ip(),
        site.store_bytes
    )
}

/// One rule for each host. What regex_revalidate matches is the address after the rule, so the host stands in that.
fn rules(folder: &Path, site: &Site<'_>, plugin: Plugin) -> String {
    let mut rules = String::new();
    for host in site.hosts {
        let to = match plugin {
            Plugin::RegexRevalidate => format!("http://{}/{host}/", site.origin),
            _ => format!("http://{}/", site.origin),
        };
        rules.push_str(&format!("map http://{host}/ {to}"));
        if plugin == Plugin::RemapPurge {
            rules.push_str(&format!(
                " @plugin=remap_purge.so @pparam=--secret={SECRET} @pparam=--header={SECRET_HEADER} @pparam=--state-file={}/{host}.generation",
                folder.join("var").display()
            ));
        }
        rules.push('\n');
    }
    rules
}
