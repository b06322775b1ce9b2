//! nginx as Debian ships it, with one worker and the settings that were the fastest here.
//!
//! Of sendfile on and off, with and without tcp_nopush, with one and with large buffers: small things are served
//! fastest from a buffer, large ones by sendfile, and tcp_nopush costs large ones a delayed acknowledgement each.

use std::fs::{self, File};
use std::io::Read;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::caches::contents::host;
use crate::caches::way::Way;
use crate::caches::{Cache, Site, free_address, version};
use crate::load::Viewer;
use crate::processes::{Running, started};

/// Where it keeps responses, below its folder.
const STORE: &str = "cache";

/// Starts it.
pub(crate) fn start(site: &Site<'_>) -> Result<Cache> {
    let name = format!("nginx {}", version("nginx", "-v", "nginx/", ' ')?);
    let folder = site.make_folder()?;
    let address = free_address()?;
    let configuration = folder.join("nginx.conf");
    fs::write(&configuration, configured(&folder, address, site))?;
    let mut command = started("nginx", site.core);
    command.arg("-p").arg(&folder).arg("-c").arg(&configuration);
    let mut server = Running::start(&mut command, folder.join("output.log")).context("nginx")?;
    server.until("nginx", || Viewer::open(address).ok())?;
    Ok(Cache { name, address, server, plane: None })
}

fn configured(folder: &Path, address: SocketAddr, site: &Site<'_>) -> String {
    let (folder, origin) = (folder.display(), site.origin);
    // A key takes 128 bytes.
    let zone = (site.store_mebibytes() / 8).max(10);
    format!(
        "daemon off;
         # Only heeded when started by root: the worker has to read the folder as well.
         user root;
         worker_processes 1;
         pid {folder}/nginx.pid;
         error_log {folder}/error.log warn;
         events {{ worker_connections 1024; }}
         http {{
           access_log off;
           keepalive_requests 100000000;
           client_body_temp_path {folder}/body;
           proxy_temp_path {folder}/temp;
           fastcgi_temp_path {folder}/fastcgi;
           uwsgi_temp_path {folder}/uwsgi;
           scgi_temp_path {folder}/scgi;
           proxy_cache_path {folder}/{STORE} levels=1:2 keys_zone=cache:{zone}m inactive=1d use_temp_path=off;
           upstream origin {{ server {origin}; keepalive 64; }}
           server {{
             listen {address};
             proxy_cache cache;
             proxy_cache_key $host$request_uri;
             proxy_http_version 1.1;
             proxy_set_header Connection \"\";
             proxy_set_header Host $host;
             add_header X-Cache $upstream_cache_status;
             # Not for what is purged: it would be served from open files.
             location / {{ proxy_pass http://origin; sendfile off; }}
             location /1k {{ proxy_pass http://origin; sendfile off; open_file_cache max=1000; }}
             location /100k {{ proxy_pass http://origin; sendfile on; open_file_cache max=1000; }}
           }}
         }}\n"
    )
}

/// Reads the key in each stored file and deletes the files that match: without a commercial licence or another module
/// there is nothing else that takes away more than one key.
struct Files {
    cache: Cache,
    store: PathBuf,
}

/// Starts it for walks over its files.
pub(crate) fn read_files(site: &Site<'_>) -> Result<Box<dyn Way>> {
    Ok(Box::new(Files { cache: start(site)?, store: site.folder.join(site.name).join(STORE) }))
}

impl Way for Files {
    fn cache(&self) -> &Cache {
        &self.cache
    }

    fn everything_of(&mut self, tenant: usize, _stored: usize) -> Result<()> {
        let key = format!("\nKEY: {}/", host(tenant)).into_bytes();
        let mut folders = vec![self.store.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    folders.push(entry.path());
                } else if is_of(&entry.path(), &key).unwrap_or(false) {
                    fs::remove_file(entry.path())?;
                }
            }
        }
        Ok(())
    }

    fn paths(&mut self, _numbers: Range<usize>) -> Result<()> {
        bail!("each would be a walk over all files")
    }
}

/// Whether a file's key starts so. One that has gone meanwhile has none.
fn is_of(file: &Path, key: &[u8]) -> Option<bool> {
    // The key's line stands behind some 300 bytes that are nginx's own.
    let mut start = [0; 1024];
    let read = File::open(file).ok()?.read(&mut start).ok()?;
    Some(start[..read].windows(key.len()).any(|window| window == key))
}
