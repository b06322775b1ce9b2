//! The tables of each version, as changes of the version before. Described in docs/design/formats.md.
//!
//! A new database goes through all of them, so that it is the same as one that was migrated.

/// Version 1.
pub(super) const VERSION_1: &str = "
CREATE TABLE plane (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    history BLOB    NOT NULL CHECK (length(history) = 16),
    term    INTEGER NOT NULL,
    account TEXT    NOT NULL
) STRICT;

CREATE TABLE head (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    position  INTEGER NOT NULL,
    hash      BLOB    NOT NULL CHECK (length(hash) = 32),
    completed INTEGER NOT NULL CHECK (completed <= position)
) STRICT;

CREATE TABLE log (
    position  INTEGER PRIMARY KEY CHECK (position > 0),
    prev_hash BLOB    NOT NULL CHECK (length(prev_hash) = 32),
    hash      BLOB    NOT NULL CHECK (length(hash) = 32),
    scope     INTEGER NOT NULL,
    scope_id  TEXT    NOT NULL,
    kind      INTEGER NOT NULL,
    body_hash BLOB    NOT NULL CHECK (length(body_hash) = 32),
    body      BLOB    NOT NULL
) STRICT;

CREATE TABLE members (
    edge        TEXT    NOT NULL,
    incarnation INTEGER NOT NULL,
    embedded    INTEGER NOT NULL,
    lease_class INTEGER NOT NULL,
    hold_ms     INTEGER NOT NULL,
    PRIMARY KEY (edge, incarnation)
) STRICT, WITHOUT ROWID;

CREATE TABLE connection_groups (
    id         TEXT    PRIMARY KEY NOT NULL,
    name       TEXT    NOT NULL UNIQUE,
    etag       TEXT    NOT NULL,
    is_default INTEGER NOT NULL,
    created    INTEGER NOT NULL,
    modified   INTEGER NOT NULL
) STRICT;

CREATE TABLE distributions (
    id               TEXT    PRIMARY KEY NOT NULL,
    caller_reference TEXT    NOT NULL UNIQUE,
    etag             TEXT    NOT NULL,
    config           TEXT    NOT NULL,
    spec             TEXT    NOT NULL,
    created          INTEGER NOT NULL,
    modified         INTEGER NOT NULL,
    born             INTEGER NOT NULL UNIQUE,
    position         INTEGER NOT NULL
) STRICT;

CREATE TABLE tenants (
    id                  TEXT    PRIMARY KEY NOT NULL,
    name                TEXT    NOT NULL UNIQUE,
    distribution_id     TEXT    NOT NULL REFERENCES distributions (id),
    connection_group_id TEXT    NOT NULL REFERENCES connection_groups (id),
    etag                TEXT    NOT NULL,
    config              TEXT    NOT NULL,
    spec                TEXT    NOT NULL,
    created             INTEGER NOT NULL,
    modified            INTEGER NOT NULL,
    position            INTEGER NOT NULL
) STRICT;
CREATE INDEX tenants_by_distribution ON tenants (distribution_id, id);
CREATE INDEX tenants_by_connection_group ON tenants (connection_group_id, id);

CREATE TABLE tenant_domains (
    domain    TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX tenant_domains_by_tenant ON tenant_domains (tenant_id);

CREATE TABLE caller_references (
    tenant_id      TEXT    NOT NULL,
    reference_hash BLOB    NOT NULL CHECK (length(reference_hash) = 32),
    fingerprint    BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    invalidation   TEXT    NOT NULL,
    created        INTEGER NOT NULL,
    position       INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, reference_hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE invalidations (
    position         INTEGER PRIMARY KEY,
    tenant_id        TEXT    NOT NULL,
    id               TEXT    NOT NULL,
    caller_reference TEXT    NOT NULL,
    paths            INTEGER NOT NULL,
    wildcards        INTEGER NOT NULL,
    paths_before     INTEGER NOT NULL,
    wildcards_before INTEGER NOT NULL,
    created          INTEGER NOT NULL,
    -- Last: whoever reads a column behind a long text reads the text's pages, too.
    items            TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX invalidations_by_id ON invalidations (tenant_id, id);
CREATE INDEX invalidations_by_tenant ON invalidations (tenant_id, position);
";

/// What version 2 adds to version 1.
pub(super) const VERSION_2: &str = "
CREATE TABLE keys (
    id        TEXT    PRIMARY KEY NOT NULL,
    secret    TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    policy    TEXT    NOT NULL,
    is_active INTEGER NOT NULL,
    created   INTEGER NOT NULL,
    modified  INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    link   BLOB    NOT NULL CHECK (length(link) = 32),
    record TEXT    NOT NULL
) STRICT;
";

/// What version 3 changes of version 2: resources of any kind, tags, invalidations of whole distributions.
///
/// Foreign keys are off while it runs, or dropping the old table would take the domains with it.
pub(super) const VERSION_3: &str = "
CREATE TABLE resources (
    kind     TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    alias    TEXT,
    etag     TEXT    NOT NULL,
    enabled  INTEGER,
    config   TEXT    NOT NULL,
    tags     TEXT    NOT NULL,
    created  INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX resources_by_name ON resources (kind, name);
CREATE UNIQUE INDEX resources_by_alias ON resources (kind, alias);

INSERT INTO resources (kind, id, name, alias, etag, enabled, config, tags, created, modified, position)
SELECT 'connection-group', id, name, 'd' || lower(hex(randomblob(7))), etag, 1, '{}', '{}', created, modified, 0
FROM connection_groups;

ALTER TABLE distributions ADD COLUMN tags TEXT NOT NULL DEFAULT '{}';

CREATE TABLE tenants_3 (
    id                  TEXT    PRIMARY KEY NOT NULL,
    name                TEXT    NOT NULL UNIQUE,
    distribution_id     TEXT    NOT NULL REFERENCES distributions (id),
    connection_group_id TEXT    NOT NULL,
    etag                TEXT    NOT NULL,
    config              TEXT    NOT NULL,
    spec                TEXT    NOT NULL,
    web_acl             TEXT,
    certificate         TEXT,
    tags                TEXT    NOT NULL,
    created             INTEGER NOT NULL,
    modified            INTEGER NOT NULL,
    position            INTEGER NOT NULL
) STRICT;
INSERT INTO tenants_3
SELECT id, name, distribution_id, connection_group_id, etag, json_remove(config, '$.Tags'), spec, NULL, NULL,
       (SELECT json_group_object(json_extract(value, '$.Key'), coalesce(json_extract(value, '$.Value'), ''))
        FROM json_each(config, '$.Tags.Items')),
       created, modified, position
FROM tenants;
DROP TABLE tenants;
DROP TABLE connection_groups;
ALTER TABLE tenants_3 RENAME TO tenants;
CREATE INDEX tenants_by_distribution ON tenants (distribution_id, id);
CREATE INDEX tenants_by_change ON tenants (distribution_id, position);
CREATE INDEX tenants_by_connection_group ON tenants (connection_group_id, id);
CREATE INDEX tenants_by_web_acl ON tenants (web_acl, id) WHERE web_acl IS NOT NULL;
CREATE INDEX tenants_by_certificate ON tenants (certificate, id) WHERE certificate IS NOT NULL;
CREATE INDEX tenant_domains_by_parent ON tenant_domains (substr(domain, instr(domain, '.') + 1), domain);

-- A tenant's id, or 'distribution/' and a distribution's: no id has a slash.
ALTER TABLE caller_references RENAME COLUMN tenant_id TO owner;
ALTER TABLE invalidations RENAME COLUMN tenant_id TO owner;
";

/// What version 4 changes of version 3: distributions have domains, too.
pub(super) const VERSION_4: &str = "
CREATE TABLE domains (
    domain TEXT PRIMARY KEY NOT NULL,
    -- As of invalidations.
    owner  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO domains SELECT domain, tenant_id FROM tenant_domains;
DROP TABLE tenant_domains;
CREATE INDEX domains_by_owner ON domains (owner);
CREATE INDEX domains_by_parent ON domains (substr(domain, instr(domain, '.') + 1), domain);
";
