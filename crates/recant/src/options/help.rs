//! What `recant help` says, and what of it is about one command.

/// What `recant help` says.
pub(crate) const HELP: &str = "\
Recant: a CloudFront-compatible, multi-tenant edge cache whose invalidations are guarantees.

  recant serve --data-dir DIR [--api ADDR] [--viewer ADDR]      plane and one edge in one process
  recant plane --data-dir DIR [--api ADDR]                      the control plane alone
  recant edge --plane URL --data-dir DIR [--viewer ADDR]        an edge of that plane; DIR holds a copy of its 'edge-secret'
  recant env --data-dir DIR                                     shell lines that point AWS clients at the plane in DIR
  recant backup --data-dir DIR --to NEW_DIR                     a copy of a plane's data, also while it runs
  recant restore --from DIR --data-dir NEW_DIR [--edges-stopped]  a data folder made of a backup
  recant restore --store postgres://... [--edges-stopped]         a PostgreSQL that was restored made ready for planes
  recant demo [--keep]                                          the whole story on this machine, in seconds; --keep leaves it running
  recant cloudfront OPERATION ...                               what 'aws cloudfront OPERATION ...' does
  recant invalidate TARGET PATH... [--all-tenants | --distribution]  the short way to invalidate; 'recant invalidate help' says more
  recant keys list | create | show | rotate | ...               access keys and what each may do; 'recant keys help' says more
  recant audit [--denied] [--since WHEN]                        who asked for what, and what was decided; 'recant audit help' says more
  recant progress TARGET INVALIDATION                           how far each edge is with an invalidation
  recant edges                                                  the edges, how far each is, and whether completion waits for it
  recant events [--after ID]                                    what happens, as it happens, as lines of JSON
  recant man [PAGE]                                             a manual page as roff: recant, recant-invalidate, recant-keys (-audit, -progress, -edges, -events), recant-cloudfront[-OPERATION]
  recant completion bash | zsh | fish [PROGRAM...]              what makes the shell complete; PROGRAM: recant, or links to it
  recant help [COMMAND] | --version

Addresses are IP:PORT; port 0 takes a free one, and DIR/addresses.json says which. Defaults: --api 127.0.0.1:4580, --viewer 127.0.0.1:8080.

Options of serve and plane
  --apply FILE                     bring distributions, tenants, policies, groups and keys to what FILE (JSON or YAML) declares, before
                                   the API answers (repeatable); nothing is deleted
  --public-url URL                 what Location headers start with (the API's own address)
  --lease-seconds N                how long an edge may serve without hearing from the plane, 1 to 300 (10)
  --caller-reference-conflict E    already-exists | invalid-argument (already-exists)
  --distribution-invalidations D   refuse | fan-out: what create-invalidation does for a distribution with tenants (refuse)
  --routing-suffix NAME            what routing endpoints of connection groups end with (recant.invalid)
  --origin-shield-region REGION    there is an origin shield in this region, which origins may name (repeatable); those of
                                   --origin-shield are
  --verify-dns system | off        whether verify-dns-configuration looks names up (system)
  --paths-in-progress-max N        paths that one tenant may have in progress (3000)
  --wildcards-in-progress-max N    wildcard paths that one tenant may have in progress (15)
  --path-bytes-rate N[:BURST]|off  bytes of paths and tags that one tenant may invalidate a second, and at once (8388608:33554432)
  --region NAME                    refuse requests signed for another region
  --no-sign-check                  accept unsigned requests
  --key-rate N[:BURST]             requests a second of one access key, and how many at once (no limit; BURST 2 N)
  --tenant-rate N[:BURST]          the same of requests about one tenant, or on one distribution
  --audit off | changes | all      what goes into the audit log; changes: and what is denied (changes)
  --retain-invalidations R         how long invalidations stay in lists: all, days as 30d, or among the newest entries of the log,
                                   as 100000 (all); a CallerReference is remembered for ever
  --audit-records-max N            how many records of it are kept (1000000)

Options of plane
  --store postgres://...           keep everything in this PostgreSQL, for several planes; the password may be in PGPASSWORD
  --peer-address HOST:PORT         where the other planes reach this one (the API's own address)
  --store-without-standbys         start on a PostgreSQL that stands alone: what is acknowledged is lost with its disk
  --unsafe-store-settings          start on a PostgreSQL that may lose what it has acknowledged: for development

Options of serve and edge
  --viewer-tls ADDR                serve viewers over TLS here, too: HTTP/2 and HTTP/1.1
  --certificates DIR               NAME.crt or NAME.pem with NAME.key, or NAME/fullchain.pem with NAME/privkey.pem; looked at every 5 s
  --default-certificate NAME       the one for viewers that name no host, or one that no certificate is for (none)
  --https-port N                   the port in redirects to HTTPS (that of --viewer-tls)
  --metrics ADDR                   where the edge's numbers are read: /metrics, /metrics/tenants (none)
  --geo-header NAME                the request header that says in which country a viewer is, set by what stands in front (none)
  --geo-database FILE              a database that says in which country an address is, in MaxMind's form (.mmdb); it counts where that header is not there
  --origin-ca FILE                 trust these authorities of origins, too (PEM; repeatable)
  --store-bytes N                  memory for stored responses (268435456)
  --disk-store DIR                 keep stored responses in this folder, too: they outlive the process and memory's end (none)
  --disk-bytes N                   how much of the disk they may take (10737418240)
  --tenant-share PERCENT           how much of the memory one tenant may have, 1 to 100 (100)
  --allow-origins NETWORK          let origins be in this network (repeatable), e.g. 169.254.7.0/24
  --deny-origins NETWORK           never let origins be in this network (repeatable)
  --origin-shield REGION=HOST:PORT ask the edge there in the place of origins that name this region (repeatable)
  --shield ADDR                    be asked so by other edges of this plane, in plain HTTP: for a network that is yours (none)

Options of all three
  --log-format text | json         how to log to standard error (text); RECANT_LOG chooses what
";

/// What is about one command: its line, and the options that it takes.
pub(crate) fn about(command: &str) -> String {
    let line = format!("  recant {command} ");
    let mut out = String::new();
    let mut is_about = false;
    for text in HELP.lines() {
        is_about = match text.strip_prefix("Options of ") {
            Some(whose) => {
                whose == "all three" && is_a_server(command) || whose.split(' ').any(|word| word == command)
            }
            None => is_about && !text.is_empty(),
        };
        if is_about && text.starts_with("Options of ") {
            out.push('\n');
        }
        if is_about || text.starts_with(&line) {
            out.push_str(text);
            out.push('\n');
        }
    }
    if is_a_server(command) {
        out.push_str(
            "\nAddresses are IP:PORT; port 0 takes a free one. 'recant help' lists the other commands.\n",
        );
    }
    out
}

fn is_a_server(command: &str) -> bool {
    ["serve", "plane", "edge"].contains(&command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_of_its_own_options() {
        let check = |command: &str, has: &[&str], lacks: &[&str]| {
            let text = about(command);
            assert!(text.starts_with(&format!("  recant {command} ")), "{text}");
            assert!(has.iter().all(|part| text.contains(part)), "{has:?} in {text}");
            assert!(!lacks.iter().any(|part| text.contains(part)), "{lacks:?} in {text}");
        };
        check("serve", &["--key-rate", "--viewer-tls", "--log-format"], &["--store ", "recant plane"]);
        check("plane", &["--key-rate", "--store ", "--log-format"], &["--viewer-tls"]);
        check("edge", &["--viewer-tls", "--log-format"], &["--key-rate", "recant edges"]);
        check("backup", &["--to NEW_DIR"], &["--log-format"]);
    }
}
