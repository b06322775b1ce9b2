//! The other cache: nginx as Debian ships it, with one worker and the settings that were the fastest here.
//!
//! Of sendfile on and off, with and without tcp_nopush, with one and with large buffers: small things are served
//! fastest from a buffer, large ones by sendfile, and tcp_nopush costs large ones a delayed acknowledgement each.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::http::Connection;
use crate::processes::{Running, started};

/// A running nginx.
pub(crate) struct Nginx {
    pub(crate) address: SocketAddr,
    pub(crate) process: Running,
}

/// Whether there is one, and which.
pub(crate) fn version() -> Option<String> {
    let output = Command::new("nginx").arg("-v").output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    text.rsplit_once('/').map(|(_, version)| version.to_owned())
}

impl Nginx {
    /// Caches this origin's responses; on one core only, if one is named.
    pub(crate) fn start(folder: &Path, origin: SocketAddr, core: Option<usize>) -> Result<Self> {
        let folder = folder.join("nginx");
        fs::create_dir(&folder)?;
        // nginx cannot say which port the system chose, so one is chosen for it.
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let configuration = folder.join("nginx.conf");
        fs::write(&configuration, configured(&folder, address, origin))?;
        let mut command = started("nginx", core);
        command.arg("-p").arg(&folder).arg("-c").arg(&configuration);
        let log = folder.join("output.log");
        let mut process = Running::start(&mut command, log).context("nginx")?;
        process.until("nginx", || Connection::open(address).ok())?;
        Ok(Self { address, process })
    }
}

fn configured(folder: &Path, address: SocketAddr, origin: SocketAddr) -> String {
    let folder = folder.display();
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
           open_file_cache max=1000;
           client_body_temp_path {folder}/body;
           proxy_temp_path {folder}/temp;
           fastcgi_temp_path {folder}/fastcgi;
           uwsgi_temp_path {folder}/uwsgi;
           scgi_temp_path {folder}/scgi;
           proxy_cache_path {folder}/cache keys_zone=cache:10m use_temp_path=off;
           server {{
             listen {address};
             proxy_cache cache;
             proxy_http_version 1.1;
             proxy_set_header Connection \"\";
             add_header X-Cache $upstream_cache_status;
             location / {{ proxy_pass http://{origin}; sendfile on; }}
             location /1k {{ proxy_pass http://{origin}; sendfile off; }}
           }}
         }}\n"
    )
}
