//! The tables of each version, as changes of the version before. Described in docs/design/formats.md.
//!
//! They are those of the embedded store, and the row of the term. Texts are compared byte by byte (`COLLATE "C"`), as
//! lists and markers need it; JSON is kept as text, so that members keep their order.

/// Version 1.
pub(super) const VERSION_1: &str = r#"
CREATE TABLE plane (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    version         INTEGER NOT NULL,
    history         BYTEA   NOT NULL CHECK (length(history) = 16),
    account         TEXT    NOT NULL,
    root_key_id     TEXT,
    root_key_secret TEXT,
    edge_secret     TEXT
);

CREATE TABLE term (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    number  BIGINT  NOT NULL,
    batch   BIGINT  NOT NULL,
    holder  TEXT,
    address TEXT
);

CREATE TABLE head (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    position  BIGINT  NOT NULL,
    hash      BYTEA   NOT NULL CHECK (length(hash) = 32),
    completed BIGINT  NOT NULL CHECK (completed <= position)
);

CREATE TABLE log (
    position  BIGINT   PRIMARY KEY CHECK (position > 0),
    prev_hash BYTEA    NOT NULL CHECK (length(prev_hash) = 32),
    hash      BYTEA    NOT NULL CHECK (length(hash) = 32),
    scope     SMALLINT NOT NULL,
    scope_id  TEXT     NOT NULL,
    kind      INTEGER  NOT NULL,
    body_hash BYTEA    NOT NULL CHECK (length(body_hash) = 32),
    body      BYTEA    NOT NULL
);

CREATE TABLE members (
    edge        TEXT COLLATE "C" NOT NULL,
    incarnation BIGINT           NOT NULL,
    embedded    BOOLEAN          NOT NULL,
    lease_class SMALLINT         NOT NULL,
    hold_ms     BIGINT           NOT NULL,
    PRIMARY KEY (edge, incarnation)
);

CREATE TABLE distributions (
    id               TEXT COLLATE "C" PRIMARY KEY,
    caller_reference TEXT COLLATE "C" NOT NULL UNIQUE,
    etag             TEXT             NOT NULL,
    config           TEXT             NOT NULL,
    spec             TEXT             NOT NULL,
    tags             TEXT             NOT NULL,
    created          BIGINT           NOT NULL,
    modified         BIGINT           NOT NULL,
    born             BIGINT           NOT NULL UNIQUE,
    position         BIGINT           NOT NULL
);

CREATE TABLE tenants (
    id                  TEXT COLLATE "C" PRIMARY KEY,
    name                TEXT COLLATE "C" NOT NULL UNIQUE,
    distribution_id     TEXT COLLATE "C" NOT NULL REFERENCES distributions (id),
    connection_group_id TEXT COLLATE "C" NOT NULL,
    etag                TEXT             NOT NULL,
    config              TEXT             NOT NULL,
    spec                TEXT             NOT NULL,
    web_acl             TEXT COLLATE "C",
    certificate         TEXT COLLATE "C",
    tags                TEXT             NOT NULL,
    created             BIGINT           NOT NULL,
    modified            BIGINT           NOT NULL,
    position            BIGINT           NOT NULL
);
CREATE INDEX tenants_by_distribution ON tenants (distribution_id, id);
CREATE INDEX tenants_by_change ON tenants (distribution_id, position);
CREATE INDEX tenants_by_connection_group ON tenants (connection_group_id, id);
CREATE INDEX tenants_by_web_acl ON tenants (web_acl, id) WHERE web_acl IS NOT NULL;
CREATE INDEX tenants_by_certificate ON tenants (certificate, id) WHERE certificate IS NOT NULL;

CREATE TABLE tenant_domains (
    domain    TEXT COLLATE "C" PRIMARY KEY,
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE
);
CREATE INDEX tenant_domains_by_tenant ON tenant_domains (tenant_id);
CREATE INDEX tenant_domains_by_parent ON tenant_domains (substr(domain, strpos(domain, '.') + 1), domain);

CREATE TABLE resources (
    kind     TEXT COLLATE "C" NOT NULL,
    id       TEXT COLLATE "C" NOT NULL,
    name     TEXT COLLATE "C" NOT NULL,
    alias    TEXT COLLATE "C",
    etag     TEXT             NOT NULL,
    enabled  BOOLEAN,
    config   TEXT             NOT NULL,
    tags     TEXT             NOT NULL,
    created  BIGINT           NOT NULL,
    modified BIGINT           NOT NULL,
    position BIGINT           NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE UNIQUE INDEX resources_by_name ON resources (kind, name);
CREATE UNIQUE INDEX resources_by_alias ON resources (kind, alias);

CREATE TABLE caller_references (
    owner          TEXT COLLATE "C" NOT NULL,
    reference_hash BYTEA            NOT NULL CHECK (length(reference_hash) = 32),
    fingerprint    BYTEA            NOT NULL CHECK (length(fingerprint) = 32),
    invalidation   TEXT             NOT NULL,
    created        BIGINT           NOT NULL,
    position       BIGINT           NOT NULL,
    PRIMARY KEY (owner, reference_hash)
);

CREATE TABLE invalidations (
    position         BIGINT           PRIMARY KEY,
    owner            TEXT COLLATE "C" NOT NULL,
    id               TEXT COLLATE "C" NOT NULL,
    caller_reference TEXT             NOT NULL,
    paths            BIGINT           NOT NULL,
    wildcards        BIGINT           NOT NULL,
    paths_before     BIGINT           NOT NULL,
    wildcards_before BIGINT           NOT NULL,
    created          BIGINT           NOT NULL,
    items            TEXT             NOT NULL
);
CREATE UNIQUE INDEX invalidations_by_id ON invalidations (owner, id);
CREATE INDEX invalidations_by_owner ON invalidations (owner, position);

CREATE TABLE keys (
    id        TEXT COLLATE "C" PRIMARY KEY,
    secret    TEXT             NOT NULL,
    name      TEXT             NOT NULL,
    policy    TEXT             NOT NULL,
    is_active BOOLEAN          NOT NULL,
    created   BIGINT           NOT NULL,
    modified  BIGINT           NOT NULL
);

CREATE TABLE audit (
    number BIGINT PRIMARY KEY CHECK (number > 0),
    link   BYTEA  NOT NULL CHECK (length(link) = 32),
    record TEXT   NOT NULL
);
"#;

/// Version 2: the place where a plane last was on this database, by which a restored copy is noticed.
pub(super) const VERSION_2: &str = "ALTER TABLE plane ADD COLUMN place TEXT;";

/// Version 3: distributions have domains, too.
pub(super) const VERSION_3: &str = r#"
CREATE TABLE domains (
    domain TEXT COLLATE "C" PRIMARY KEY,
    owner  TEXT COLLATE "C" NOT NULL
);
INSERT INTO domains SELECT domain, tenant_id FROM tenant_domains;
DROP TABLE tenant_domains;
CREATE INDEX domains_by_owner ON domains (owner);
CREATE INDEX domains_by_parent ON domains (substr(domain, strpos(domain, '.') + 1), domain);
"#;
