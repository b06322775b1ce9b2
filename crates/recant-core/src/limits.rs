//! Every bound of the product, in one place: the value, its unit, its source.
//!
//! `AWS` marks a documented CloudFront quota, `RFC` a specification, `ours` a choice of this project.

use std::num::NonZeroU32;
use std::time::Duration;

// --- names -----------------------------------------------------------------------------------------------

/// Bytes of an id. Ours; CloudFront's ids have at most 30.
pub const ID_BYTES_MAX: usize = 128;

// --- invalidations ---------------------------------------------------------------------------------------

/// Characters of one invalidation path. AWS.
pub const PATH_CHARS_MAX: usize = 4_000;
/// Characters of one cache tag. AWS.
pub const TAG_CHARS_MAX: usize = 256;
/// Tags read from one response; further ones are dropped. AWS.
pub const TAGS_PER_RESPONSE_MAX: usize = 50;
/// Tags of a response that 304s have confirmed, those that it had and those that it has. Ours.
pub const TAGS_PER_CONFIRMED_RESPONSE_MAX: usize = 2 * TAGS_PER_RESPONSE_MAX;
/// Paths in one batch. AWS allows 3,000 in progress, so no batch may hold more.
pub const PATHS_PER_BATCH_MAX: usize = 3_000;
/// Individual paths and tags of one tenant's invalidations in progress, unless the operator says otherwise. AWS.
pub const PATHS_IN_PROGRESS_DEFAULT: u64 = 3_000;
/// Wildcard paths of one tenant's invalidations in progress, unless the operator says otherwise. AWS.
pub const WILDCARDS_IN_PROGRESS_DEFAULT: u64 = 15;
/// Bytes of paths and tags that one tenant may have invalidated a second on the long run, unless the operator says otherwise. Ours: some hundred
/// thousand short paths, and a tenth of what a plane writes.
pub const PATH_BYTES_PER_SECOND_DEFAULT: NonZeroU32 = NonZeroU32::new(8 * 1024 * 1024).expect("it is not 0");
/// The same at once, after a pause. Ours: two of the largest batches.
pub const PATH_BYTES_AT_ONCE_DEFAULT: NonZeroU32 = NonZeroU32::new(32 * 1024 * 1024).expect("it is not 0");
/// Bytes of a `CallerReference`. Ours.
pub const CALLER_REFERENCE_BYTES_MAX: usize = 2_048;

// --- rules at an edge ------------------------------------------------------------------------------------

/// Trie nodes of one tenant's rules before subtrees are collapsed upwards. Ours (about 8 MiB).
pub const RULE_NODES_PER_TENANT_MAX: usize = 65_536;
/// Trie nodes of one tenant's tag rules before subtrees are collapsed upwards. Ours.
pub const RULE_TAG_NODES_PER_TENANT_MAX: usize = 65_536;
/// Bytes that a trie node takes; a node's label counts as one more node for every so many bytes. Ours.
pub const RULE_NODE_BYTES: usize = 128;
/// Query parameters of an exact rule whose subsets are listed; with more, every query of the path matches. Ours.
pub const RULE_QUERY_PARAMETERS_MAX: usize = 3;

// --- the protocol ----------------------------------------------------------------------------------------

/// How long an edge may serve from its cache after it *sent* the renewal that was granted. Ours.
pub const LEASE_DEFAULT: Duration = Duration::from_secs(10);
/// Shortest lease an operator may choose. Ours.
pub const LEASE_MIN: Duration = Duration::from_secs(1);
/// Longest lease an operator may choose, so that a stock waiter (600 s) still succeeds. Ours.
pub const LEASE_MAX: Duration = Duration::from_secs(300);
/// Parts per million by which two machines' boot clocks may differ in rate. Ours.
pub const CLOCK_RATE_ERROR_PPM: u32 = 1_000;
/// Age of a member's oldest unacknowledged entry from which on no lease is granted. Ours.
pub const LAG_MAX: Duration = Duration::from_secs(3);
/// How long a member that is about to be granted its first lease may hold completion up. Ours.
pub const CATCH_UP_MAX: Duration = Duration::from_secs(3);
/// Acknowledgements wait at most this long for company while entries stream in. Ours.
pub const ACK_DELAY_MAX: Duration = Duration::from_millis(10);
/// Members of one plane. Ours.
pub const MEMBERS_MAX: usize = 10_000;
/// Bytes of one log entry's body. Ours: a batch of [`PATHS_PER_BATCH_MAX`] paths of [`PATH_CHARS_MAX`] four-byte characters, escaped.
pub const ENTRY_BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes that a feed's frame of an entry may have beside the entry's body. Ours; version 1 uses at most 208.
pub const ENTRY_FRAME_HEAD_BYTES_MAX: usize = 1_024;
/// Bytes of a heartbeat, of its answer, and of a feed's frame that carries no entry. Ours; about 1 KiB is used.
pub const HEARTBEAT_BYTES_MAX: usize = 8 * 1024;
/// Positions of which one heartbeat says how many stored responses they took away. Ours; some 40 bytes each at most.
pub const REMOVED_PER_HEARTBEAT_MAX: usize = 128;
/// Positions of which an edge remembers that; beyond, the oldest are forgotten. Ours.
pub const REMOVED_PER_EDGE_MAX: usize = 4_096;
/// Positions and edges of which a plane remembers that; beyond, the oldest positions are forgotten. Ours; some 100 bytes each.
pub const REMOVED_PER_PLANE_MAX: usize = 262_144;
/// How long a feed may be silent before the edge opens it anew. Ours; the plane sends its head every second.
pub const FEED_SILENCE_MAX: Duration = Duration::from_secs(5);
/// How long an edge that hears nothing of its plane waits at the most before it tries again. Ours; so late it finds one that is back.
pub const PLANE_RETRY_MAX: Duration = Duration::from_secs(1);
/// Entries sent in one piece of a feed before the plane looks at the log again. Ours.
pub const FEED_ENTRIES_PER_READ_MAX: usize = 512;
/// Bytes of a snapshot sent in one piece of a feed. Ours.
pub const FEED_PIECE_BYTES: usize = 64 * 1024;
/// Distributions, or tenants, that one read for a snapshot brings. Ours; some 600 bytes each, and 60 KB at most.
pub const SNAPSHOT_ITEMS_PER_READ_MAX: usize = 64;
/// Snapshots that are sent at a time; further edges wait for their turn. Ours.
pub const SNAPSHOTS_AT_A_TIME_MAX: usize = 4;
/// How long an edge may take nothing before its turn is the next one's. Ours.
pub const SNAPSHOT_PAUSE_MAX: Duration = Duration::from_secs(1);
/// How long an edge may take nothing of its feed before that is cut. Ours.
pub const FEED_SEND_TIME_MAX: Duration = Duration::from_secs(10);
/// How often a feed says where the log ends, also when nothing happens. Ours.
pub const FEED_HEAD_PERIOD: Duration = Duration::from_secs(1);

// --- access ----------------------------------------------------------------------------------------------

/// Statements of one policy. Ours.
pub const POLICY_STATEMENTS_MAX: usize = 100;
/// Actions, or resources, of one statement. Ours.
pub const POLICY_PATTERNS_MAX: usize = 100;
/// Bytes of one such pattern. Ours; the longest ARN here has about 200.
pub const POLICY_PATTERN_BYTES_MAX: usize = 1_024;
/// Bytes of one policy document. AWS allows a managed policy 6,144 characters.
pub const POLICY_BYTES_MAX: usize = 20_480;
/// Characters of a key's name. AWS: an IAM user's name has at most 64.
pub const KEY_NAME_CHARS_MAX: usize = 64;
/// Access keys of one plane. Ours.
pub const KEYS_MAX: usize = 10_000;
/// Records of the audit log that are kept unless the operator says otherwise. Ours; some 500 bytes each.
pub const AUDIT_RECORDS_DEFAULT: u64 = 1_000_000;
/// Calls of one key that were not let in, or of all strangers together, that the audit log tells of at once; afterwards it tells one in
/// each [`AUDIT_REFUSAL_INTERVAL`]. Ours.
pub const AUDIT_REFUSALS_BURST: u32 = 20;
/// How often the audit log tells on the long run that a key was not let in. Ours: at this rate whoever knows a key's id, and
/// nothing else, needs two years to push a million records out.
pub const AUDIT_REFUSAL_INTERVAL: Duration = Duration::from_secs(60);
/// Invalidations that leave the history in one commit. Ours; with all the paths that they may have, some 15 MB of a database.
pub const INVALIDATIONS_PRUNED_PER_COMMIT_MAX: usize = 100;
/// How often the history is looked through for what is over. Ours.
pub const RETENTION_PERIOD: Duration = Duration::from_secs(60);
/// Streams of events that a plane feeds at a time. Ours.
pub const EVENT_STREAMS_MAX: usize = 256;
/// Events of edges that may wait for one stream; one that lets more come is cut. Ours.
pub const EVENTS_WAITING_MAX: usize = 1_024;
/// How long a reader of events may take nothing before it is cut. Ours.
pub const EVENT_SEND_TIME_MAX: Duration = Duration::from_secs(10);
/// How often a stream of events says something, also when nothing happens, and whether its reader may still read is looked at. Ours.
pub const EVENT_HEARTBEAT_PERIOD: Duration = Duration::from_secs(5);
/// Moments of one member's acknowledgements that are remembered; of older ones only some are. Ours.
pub const ACKNOWLEDGEMENTS_REMEMBERED_MAX: usize = 64;
/// Callers and tenants whose rate is counted at a time; beyond, those that have been idle longest are counted anew. Ours.
pub const RATES_COUNTED_MAX: usize = 100_000;

/// Questions of a plane that its edges have not all answered, at a time; and those that one edge counts at a time. Ours.
pub const QUESTIONS_AT_A_TIME_MAX: usize = 4;
/// How long a plane waits for its edges' answers, and an edge counts, at most. Ours; a million stored responses take about a second.
pub const QUESTION_TIME_MAX: Duration = Duration::from_secs(5);

// --- the API ---------------------------------------------------------------------------------------------

/// How long a question for an invalidation's status waits for its completion. Ours; SDKs wait 60 s for an answer.
pub const STATUS_WAIT_MAX: Duration = Duration::from_millis(250);
/// Bytes of one API request's body. Ours.
pub const API_BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of all API requests' bodies that a plane has in hand at a time. Ours: sixteen of the longest ones; what is made of a body
/// while it is read takes some times as much, and that of a stranger is not read.
pub const API_BODIES_BYTES_MAX: usize = 16 * API_BODY_BYTES_MAX;
/// Bytes of them that one key may have, which is known by its id before it is proved. Ours: no two take all.
pub const API_BODIES_PER_KEY_BYTES_MAX: usize = API_BODIES_BYTES_MAX / 4;
/// The first bytes of every body, which are counted as their connection's: so that a short request finds room when long ones do not. Ours.
pub const API_BODY_BYTES_UNCOUNTED: usize = 4 * 1024;
/// Bytes of the longest body that is hashed and read on the threads that answer everybody; longer ones are handled aside. Ours: it takes
/// about a millisecond, and to hand it to another thread some 20 us.
pub const API_BODY_BYTES_INLINE_MAX: usize = 64 * 1024;
/// Values and members of a body in JSON. Ours; a batch of the most paths has some 3,000, a policy of the most bytes less than 10,000.
pub const JSON_VALUES_MAX: usize = 50_000;
/// Bytes of one answer that the client reads. Ours; the AWS CLI has no limit, the longest pages of CloudFront have some MiB.
pub const RESPONSE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Depth of elements in an XML document. Ours; the deepest CloudFront shape has 12.
pub const XML_DEPTH_MAX: usize = 32;
/// Elements of an XML document. Ours; a page of a thousand distributions has some 200,000.
pub const XML_ELEMENTS_MAX: usize = 500_000;
/// How far a request's date may be off. AWS: five minutes.
pub const CLOCK_SKEW_DEFAULT: Duration = Duration::from_secs(5 * 60);
/// Largest skew an operator may allow. AWS: SDKs speak of fifteen minutes.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(15 * 60);
/// Items of one page when the caller does not say. AWS.
pub const PAGE_ITEMS_DEFAULT: usize = 100;
/// Items of one page at most. Ours.
pub const PAGE_ITEMS_MAX: usize = 1_000;
/// Bytes of stored rows that one page holds beyond its first item: a page of large items has fewer. Ours; configurations are up to
/// some hundred KiB, and a page holds them whole.
pub const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Commands written in one group commit. Ours.
pub const COMMANDS_PER_COMMIT_MAX: usize = 256;
/// Bytes of commands written in one group commit, unless one alone has more. Ours: some ten milliseconds of writing.
pub const COMMAND_BYTES_PER_COMMIT_MAX: usize = 2 * 1024 * 1024;
/// Bytes of one tenant's commands before it is the next one's turn. Ours.
pub const COMMAND_BYTES_PER_TURN: usize = 64 * 1024;
/// How long a command that nobody waits for urgently waits for another one to share its commit. Ours: longer than a client needs to send the
/// next call once it has an answer, and a small part of what an edge needs to acknowledge.
pub const COMMIT_ALONG_WAIT_MAX: Duration = Duration::from_millis(2);
/// Completions that follow one another faster than this share the commits of what comes next. Ours: a few commits of a slow disk.
pub const COMPLETION_LULL: Duration = Duration::from_millis(50);
/// Commands that may wait for the writer. Ours.
pub const COMMANDS_WAITING_MAX: usize = 4_096;
/// Bytes of entry bodies that one read of the log brings into memory, beyond the first entry. Ours.
pub const LOG_BYTES_PER_READ_MAX: usize = 4 * 1024 * 1024;
/// Reads of the store for clients at a time. Ours.
pub const STORE_READS_AT_A_TIME_MAX: usize = 4;
/// Reads of the log for edges at a time. Ours.
pub const STORE_FEED_READS_AT_A_TIME_MAX: usize = 2;
/// Reads of the configuration for edges that start over, at a time. Ours.
pub const STORE_SNAPSHOT_READS_AT_A_TIME_MAX: usize = 1;
/// Looks at where an edge is in the log, at a time. Ours: each is one row.
pub const STORE_CHAIN_READS_AT_A_TIME_MAX: usize = 1;
/// How long the store waits for another program that holds its database. Ours.
pub const STORE_BUSY_MAX: Duration = Duration::from_secs(5);
/// How long a connection to a database server may take, and how long it may be silent. Ours.
pub const STORE_CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a statement waits for somebody else's lock, and a transaction for its next statement. Ours.
pub const STORE_LOCK_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a read of a database server may take. Ours: a snapshot of 1,000,000 tenants takes some seconds.
pub const STORE_READ_TIME_MAX: Duration = Duration::from_secs(60);
/// How long one statement of a group commit may take there. Ours: none looks at more than what its command changes.
pub const STORE_STATEMENT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a group commit of a database server may take before it is in doubt. Ours.
pub const STORE_COMMIT_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a command or a read waits for a database server that cannot be reached. Ours: within a stock SDK's patience.
pub const STORE_OUTAGE_MAX: Duration = Duration::from_secs(30);
/// How long a plane may act by its term after it *sent* the renewal that was committed. Ours.
pub const TERM_TENURE: Duration = Duration::from_secs(4);
/// How long another plane must have seen a term unrenewed before it takes over. Ours: the tenure, and more than clocks differ by.
pub const TERM_SILENCE: Duration = Duration::from_millis(4_400);
/// How often the term is renewed when nothing else is written. Ours.
pub const TERM_RENEWAL_PERIOD: Duration = Duration::from_secs(1);
/// How often other planes look at the term. Ours.
pub const TERM_LOOK_PERIOD: Duration = Duration::from_millis(200);
/// How long a request waits, where another plane leads, until that is known and reached. Ours: a take-over, and some.
pub const TAKE_OVER_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long the plane that leads may take to answer what another plane has passed on. Ours: longer than it waits for its database.
pub const FORWARDED_TIME_MAX: Duration = Duration::from_secs(45);
/// Prepared statements kept per connection of the store. Ours.
pub const STORE_STATEMENTS_MAX: usize = 64;
/// Aliases of one distribution without tenants. AWS (adjustable).
pub const ALIASES_PER_DISTRIBUTION_MAX: usize = 100;
/// Domains of one tenant. AWS (adjustable).
pub const DOMAINS_PER_TENANT_MAX: usize = 100;
/// Parameters of one tenant. Ours.
pub const PARAMETERS_PER_TENANT_MAX: usize = 100;
/// Characters of a parameter's name. AWS, from the model.
pub const PARAMETER_NAME_CHARS_MAX: usize = 128;
/// Characters of a parameter's value. AWS, from the model.
pub const PARAMETER_VALUE_CHARS_MAX: usize = 256;
/// Placeholders in one field of a distribution. AWS (adjustable).
pub const PLACEHOLDERS_PER_FIELD_MAX: usize = 2;
/// Origins of one distribution. AWS (adjustable).
pub const ORIGINS_PER_DISTRIBUTION_MAX: usize = 100;
/// Countries of one geographic restriction. Ours: there are 249.
pub const GEO_COUNTRIES_MAX: usize = 300;
/// Origin groups of one distribution. AWS (adjustable).
pub const ORIGIN_GROUPS_PER_DISTRIBUTION_MAX: usize = 10;
/// Seconds that an error is kept for, where a custom error response does not say. AWS.
pub const ERROR_CACHING_SECONDS_DEFAULT: i64 = 10;
/// Seconds that an error may be kept for at least. AWS: a year, as in cache policies.
pub const ERROR_CACHING_SECONDS_MAX: i64 = 31_536_000;
/// Characters of an origin's name. AWS.
pub const ORIGIN_ID_CHARS_MAX: usize = 128;
/// Characters of an origin's path, and of a default root object. AWS.
pub const ORIGIN_PATH_CHARS_MAX: usize = 255;
/// Cache behaviours of one distribution beside the default one. AWS (adjustable).
pub const BEHAVIORS_PER_DISTRIBUTION_MAX: usize = 75;
/// Characters of a cache behaviour's path pattern. AWS.
pub const PATH_PATTERN_CHARS_MAX: usize = 255;
/// Headers added to the requests to one origin. AWS (adjustable).
pub const CUSTOM_HEADERS_PER_ORIGIN_MAX: usize = 30;
/// Bytes of one such header's value. AWS.
pub const CUSTOM_HEADER_VALUE_BYTES_MAX: usize = 1_783;
/// Seconds an operator may give an origin to answer. AWS (adjustable).
pub const ORIGIN_READ_SECONDS_MAX: i64 = 120;
/// Characters of a distribution's comment. AWS.
pub const COMMENT_CHARS_MAX: usize = 128;
/// Custom policies of one kind. AWS (adjustable).
pub const POLICIES_PER_KIND_MAX: usize = 20;
/// Distributions that use one custom policy, which all change with it. AWS (adjustable).
pub const DISTRIBUTIONS_PER_POLICY_MAX: usize = 100;
/// Headers, or cookies, or query parameters that one policy lists. AWS (adjustable).
pub const NAMES_PER_POLICY_LIST_MAX: usize = 10;
/// Headers that one response headers policy sets beside the security headers, and as many that it removes. AWS (adjustable).
pub const HEADERS_PER_RESPONSE_POLICY_MAX: usize = 10;
/// Bytes of a `Content-Security-Policy`. AWS.
pub const CONTENT_SECURITY_POLICY_BYTES_MAX: usize = 1_783;
/// Bytes of all values that one response headers policy sets. AWS.
pub const RESPONSE_POLICY_VALUES_BYTES_MAX: usize = 10_240;
/// Bytes of all names that one policy lists. AWS.
pub const NAMES_PER_POLICY_BYTES_MAX: usize = 1_024;
/// Characters of a policy's name. AWS.
pub const CUSTOM_POLICY_NAME_CHARS_MAX: usize = 128;
/// Seconds of a policy's TTL: a hundred years. Ours.
pub const TTL_SECONDS_MAX: i64 = 3_153_600_000;
/// How often a change is judged anew because what it was judged by has changed. Ours.
pub const JUDGED_ANEW_MAX: usize = 8;
/// Names looked up at once, of the 512 threads that a runtime has for what blocks. Ours.
pub const DNS_LOOKUPS_AT_ONCE_MAX: usize = 16;
/// How long a name is looked up. Ours.
pub const DNS_LOOKUP_MAX: Duration = Duration::from_secs(5);
/// Tags of one thing that can be tagged. AWS.
pub const TAGS_PER_RESOURCE_MAX: usize = 50;
/// Tenants that change with one commit, as when their connection group is disabled. AWS has as many in an account.
pub const TENANTS_PER_CHANGE_MAX: usize = 10_000;
/// Tenants that are judged in the commit that changes their distribution: those that were made while the others were. Ours; some 20 us each.
pub const TENANTS_JUDGED_PER_COMMIT_MAX: usize = 5_000;
/// Paths of a refused batch that the message names. Ours.
pub const BAD_PATHS_LISTED_MAX: usize = 10;
/// Bytes of an API request's head. Ours.
pub const API_HEAD_BYTES_MAX: usize = 64 * 1024;
/// Ids of other things that one API request may hold. Ours: every behaviour of a distribution names three policies.
pub const IDS_PER_REQUEST_MAX: usize = 256;
/// Bytes of a name by which the audit log tells a thing; longer ones, which nothing has, are cut. Ours.
pub const ARN_BYTES_MAX: usize = ID_BYTES_MAX + 64;
/// How long an API client may take to send a request's head. Ours.
pub const API_HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// How long an API client may take to send a request's body. Ours.
pub const API_BODY_TIME_MAX: Duration = Duration::from_secs(30);
/// How long an API client, or an edge, may read nothing of what is sent to it. Ours; what is sent in that time is in its kernel's hands.
pub const API_SEND_TIME_MAX: Duration = Duration::from_secs(30);
/// API connections at a time, feeds included. Ours: every member twice, and some clients.
pub const API_CONNECTIONS_MAX: usize = 2 * MEMBERS_MAX + 4_096;
/// How long a stopping plane waits for requests in hand. Ours.
pub const API_DRAIN_TIME_MAX: Duration = Duration::from_secs(10);

// --- HTTP ------------------------------------------------------------------------------------------------

/// Bytes of a host name. RFC 1035 section 2.3.4: 255 octets on the wire are 253 characters of text.
pub const HOST_BYTES_MAX: usize = 253;
/// Bytes of one label of a host name. RFC 1035 section 2.3.4.
pub const HOST_LABEL_BYTES_MAX: usize = 63;
/// Seconds that a larger delta-seconds counts as. RFC 9111 section 1.2.2: 2^31.
pub const DELTA_SECONDS_MAX: u64 = 1 << 31;
/// Ranges of one request that are looked at; with more it gets the whole response. Ours.
pub const RANGES_PER_REQUEST_MAX: usize = 100;
/// How long after its lifetime a response may stand in for an origin that cannot be reached. Ours.
pub const STALE_WHEN_CUT_OFF_MAX: Duration = Duration::from_secs(24 * 60 * 60);

// --- the edge --------------------------------------------------------------------------------------------

/// Bytes of a viewer request's head. AWS: 32 KiB with the URL included.
pub const REQUEST_HEAD_BYTES_MAX: usize = 32 * 1024;
/// Header fields of a viewer request. Ours.
pub const REQUEST_HEADERS_MAX: usize = 128;
/// Changes that an edge keeps telling its shields until they take note; of more, shields that are away may keep what was changed. Ours.
pub const UNTOLD_CHANGES_MAX: usize = 4_096;
/// Header fields that an edge adds to its viewer's when it asks a shield, `Via` and `Host` included, and that a shield adds to its answer. Ours.
pub const SHIELD_FIELDS_MAX: usize = 16;
/// Bytes of these fields; a `Location` that a change names is among them. Ours.
pub const SHIELD_FIELDS_BYTES_MAX: usize = 16 * 1024;
/// Bytes of the fields that a shield adds to its answer; all tags are among them. Ours.
pub const SHIELD_ANSWER_FIELDS_BYTES_MAX: usize = 48 * 1024;
/// How long a viewer may take to send a request's head, and how long a kept connection may idle before it. Ours.
pub const REQUEST_HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a viewer may make no progress at all: with a request's body, or with taking a response. Ours.
pub const VIEWER_STALL_MAX: Duration = Duration::from_secs(30);
/// How long responses under way may go on after an edge was told to stop. Ours.
pub const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);
/// Edges a request may have passed (by its `Via`) before it counts as a loop. Ours.
pub const VIA_HOPS_MAX: usize = 8;
/// Bytes of an origin response's head. Ours.
pub const ORIGIN_HEAD_BYTES_MAX: usize = 64 * 1024;
/// Header fields of an origin response. Ours.
pub const ORIGIN_HEADERS_MAX: usize = 128;
/// Connections kept idle to one origin. Ours.
pub const ORIGIN_IDLE_CONNECTIONS_MAX: usize = 64;
/// How long a connection to an origin is kept idle. AWS: the default keep-alive time-out, 5 seconds.
pub const ORIGIN_IDLE_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a viewer's TLS handshake may take. Ours: as long as a head.
pub const TLS_HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
/// Certificates in one folder. Ours: one for each of some thousand tenants.
pub const CERTIFICATES_MAX: usize = 10_000;
/// Bytes of one file with certificates or a private key. Ours.
pub const CERTIFICATE_FILE_BYTES_MAX: u64 = 1024 * 1024;
/// How often the folder with certificates is looked at. Ours.
pub const CERTIFICATES_LOOK_PERIOD: Duration = Duration::from_secs(5);
/// Requests under way on one HTTP/2 connection. RFC 9113 section 6.5.2: not below 100.
pub const HTTP2_STREAMS_MAX: u32 = 128;
/// Bytes that a viewer may send on one stream ahead of what was taken. RFC 9113 section 6.9.2: the initial size.
pub const HTTP2_STREAM_WINDOW_BYTES: u32 = 65_535;
/// The same of all streams of a connection together. Ours.
pub const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// Bytes of one frame that a viewer sends. RFC 9113 section 6.5.2: the initial value.
pub const HTTP2_FRAME_BYTES_MAX: u32 = 16_384;
/// Bytes of a stream's response that are handed over ahead of what its viewer has taken. Ours.
pub const HTTP2_SEND_BYTES_MAX: usize = 64 * 1024;
/// Streams that a viewer has reset and nobody has looked at yet; more end the connection (CVE-2023-44487). h2's own bound.
pub const HTTP2_PENDING_RESETS_MAX: usize = 20;
/// Streams of one connection that were reset for what its viewer sent; more end it (CVE-2025-8671). Ours: h2's own is 1,024.
pub const HTTP2_LOCAL_RESETS_MAX: usize = 256;
/// How often a viewer's HTTP/2 connection is asked whether anybody is still there, and how long it may take to say so. Ours.
pub const HTTP2_PING_PERIOD: Duration = Duration::from_secs(30);
/// Bytes of the shortest body that an edge codes. AWS.
pub const CODED_BODY_BYTES_MIN: u64 = 1_000;
/// Bytes of the longest body that an edge codes. AWS.
pub const CODED_BODY_BYTES_MAX: u64 = 10_000_000;
/// Bodies that an edge codes at a time; further ones go uncoded. Ours: a coder takes some MiB.
pub const CODED_AT_A_TIME_MAX: usize = 64;
/// How long a connection that was left for another protocol may be silent in both directions. AWS, for WebSocket.
pub const TUNNEL_IDLE_MAX: Duration = Duration::from_secs(10 * 60);
/// Bytes that such a connection holds at a time, in each direction. Ours.
pub const TUNNEL_BUFFER_BYTES: usize = 8 * 1024;
/// Viewer connections at a time, of all listeners together. Ours.
pub const VIEWER_CONNECTIONS_MAX: usize = 10_000;
/// Connections at a time of those who read an edge's metrics. Ours.
pub const METRICS_CONNECTIONS_MAX: usize = 16;
/// Bytes of stored responses, metadata included, unless the operator says otherwise. Ours.
pub const STORE_BYTES_DEFAULT: u64 = 256 * 1024 * 1024;
/// The part of the store's bytes that bodies on their way into it may take beside, one part of so many. Ours.
pub const STORE_BYTES_PER_COLLECTED_BYTE: u64 = 2;
/// Stored responses that the sweep looks at before it rests. Ours; they take some 0.1 ms.
pub const SWEEP_RESPONSES_AT_ONCE: usize = 512;
/// How long an edge may take to connect to a shield: shorter than for an origin, which can be asked instead. Ours.
pub const SHIELD_CONNECT_TIME_MAX: Duration = Duration::from_secs(2);
/// How long a shield may say nothing before it is asked whether it is there. Ours: a request is held up by a dead one for so long, and as long as
/// the question, once.
pub const SHIELD_SILENCE_MAX: Duration = Duration::from_secs(1);
/// How long a shield may take to answer what it need ask nobody for. Ours.
pub const SHIELD_ANSWER_TIME_MAX: Duration = Duration::from_secs(1);
/// How long a shield that did not answer is left alone, before it is asked whether it is back. Ours.
pub const SHIELD_REST: Duration = Duration::from_secs(5);
/// How long the sweep waits after an entry of the log for those that follow. Ours; what is swept away cannot say any more why it went.
pub const SWEEP_PAUSE: Duration = Duration::from_secs(30);
/// Bytes of stored responses on an edge's disk, unless the operator says otherwise. Ours.
pub const DISK_BYTES_DEFAULT: u64 = 10 * 1024 * 1024 * 1024;
/// Bytes of the smallest disk tier. Ours: two of the shortest segments.
pub const DISK_BYTES_MIN: u64 = 2 * DISK_SEGMENT_BYTES_MIN;
/// Bytes of one segment at least, where the disk's bytes are few; a response that is longer is not written. Ours.
pub const DISK_SEGMENT_BYTES_MIN: u64 = 1024 * 1024;
/// Bytes of one segment at most: with more there would be thousands of files, and more would go at once for want of space. Ours.
pub const DISK_SEGMENT_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Segments, each an open file: every process begins one. Ours.
pub const DISK_SEGMENTS_MAX: usize = 4_096;
/// Responses on the disk; with more the oldest segment goes. Ours: each takes some 100 bytes of memory.
pub const DISK_RESPONSES_MAX: u64 = 16_000_000;
/// Bytes of what is known of a response on the disk, beside its body. Ours: an origin's head, a key, and tags.
pub const DISK_HEAD_BYTES_MAX: usize = 256 * 1024;
/// Bytes of bodies that wait to be written to the disk, beyond the first; what finds no room is not written. Ours.
pub const DISK_BYTES_WAITING_MAX: usize = 32 * 1024 * 1024;
/// Notes that a response is gone, waiting to be written; with more, everything written goes. Ours; some 300 bytes each.
pub const DISK_REMOVALS_WAITING_MAX: usize = 65_536;
/// Responses read from the disk at a time, each by a thread that waits for it. Ours.
pub const DISK_READS_AT_ONCE_MAX: usize = 64;
/// How long nothing is written to a disk that has failed. Ours.
pub const DISK_RETRY_PERIOD: Duration = Duration::from_secs(30);
/// How far the wall clock may lie behind what was written by it, before nothing is known of ages any more. Ours: clocks are
/// adjusted by less.
pub const DISK_CLOCK_BACK_MAX: Duration = Duration::from_secs(2);
/// Bytes of entries after which an edge's journal begins anew, if its state is not longer. Ours: some 20,000 entries.
pub const JOURNAL_BYTES_MIN: u64 = 8 * 1024 * 1024;
/// Entries that may wait to be written into the journal; with more it has a gap. Ours.
pub const JOURNAL_NOTES_WAITING_MAX: usize = 4_096;
/// Bytes of such entries, beyond the first. Ours.
pub const JOURNAL_BYTES_WAITING_MAX: u64 = 64 * 1024 * 1024;
/// How long a journal that could not begin anew rests before it tries again. Ours.
pub const JOURNAL_RETRY_PERIOD: Duration = Duration::from_secs(30);
/// Bytes that a viewer's connection may hold back in each direction. Ours; hyper's own bound is some 400 KiB.
pub const VIEWER_BUFFER_BYTES_MAX: usize = 64 * 1024;
/// Bytes that an origin's connection may hold back in each direction. Ours.
pub const ORIGIN_BUFFER_BYTES_MAX: usize = 128 * 1024;
/// Responses stored under one key that `Vary` tells apart; the oldest goes. Ours.
pub const VARIANTS_PER_KEY_MAX: usize = 32;
/// Bytes that viewers of one body may lie apart once it is too long to be stored. Ours.
pub const SHARED_LAG_BYTES_MAX: usize = 1024 * 1024;
/// How long a viewer of such a body who is waited for has to take as much; one who does not is left behind. Ours.
pub const SHARED_LAG_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a request waits for another one's response before it asks the origin itself. Ours.
pub const COLLAPSED_WAIT_MAX: Duration = Duration::from_secs(5);
/// Keys whose last response could not be shared, that are remembered. Ours.
pub const UNSHARED_KEYS_MAX: usize = 16_384;
/// Stored responses validated behind their viewers' backs at a time. Ours.
pub const BACKGROUND_VALIDATIONS_MAX: usize = 256;
/// Informational responses passed on in front of one response. Ours.
pub const INFORMATIONAL_MAX: usize = 16;
/// Bytes of names and values in the informational responses in front of one response: they are held for a viewer who reads nothing. Ours.
pub const INFORMATIONAL_BYTES_MAX: usize = 16 * 1024;
/// Bytes of one stored response's body; a longer one is streamed and not stored. Ours.
pub const STORED_BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Pieces of one incomplete stored response, with no byte in common; the oldest go first. Ours.
pub const SEGMENTS_PER_RESPONSE_MAX: usize = 64;

const _: () = assert!(DISK_SEGMENT_BYTES_MAX + 2 * STORED_BODY_BYTES_MAX as u64 <= u32::MAX as u64);
const _: () = assert!(REQUEST_HEAD_BYTES_MAX + SHIELD_FIELDS_BYTES_MAX <= VIEWER_BUFFER_BYTES_MAX);
const _: () = assert!(ORIGIN_HEAD_BYTES_MAX + SHIELD_ANSWER_FIELDS_BYTES_MAX <= ORIGIN_BUFFER_BYTES_MAX);
const _: () = assert!(TAGS_PER_CONFIRMED_RESPONSE_MAX * (TAG_CHARS_MAX + 1) < SHIELD_ANSWER_FIELDS_BYTES_MAX);
const _: () = assert!(LEASE_MIN.as_nanos() <= LEASE_DEFAULT.as_nanos());
const _: () = assert!(LEASE_DEFAULT.as_nanos() <= LEASE_MAX.as_nanos());
const _: () = assert!(CLOCK_SKEW_DEFAULT.as_nanos() <= CLOCK_SKEW_MAX.as_nanos());
const _: () = assert!(3 * (BEHAVIORS_PER_DISTRIBUTION_MAX + 1) <= IDS_PER_REQUEST_MAX);
const _: () = assert!(PAGE_ITEMS_DEFAULT <= PAGE_ITEMS_MAX);
const _: () = assert!(API_BODY_BYTES_MAX <= API_BODIES_PER_KEY_BYTES_MAX);
const _: () = assert!(API_BODIES_PER_KEY_BYTES_MAX < API_BODIES_BYTES_MAX);
const _: () = assert!(10 * PATHS_PER_BATCH_MAX <= JSON_VALUES_MAX);
const _: () = assert!(API_BODY_BYTES_MAX <= ENTRY_BODY_BYTES_MAX);
const _: () = assert!(API_BODY_BYTES_MAX <= PATH_BYTES_AT_ONCE_DEFAULT.get() as usize);
const _: () = assert!(TERM_TENURE.as_nanos() < TERM_SILENCE.as_nanos());
const _: () = assert!(3 * TERM_RENEWAL_PERIOD.as_nanos() < TERM_TENURE.as_nanos());
const _: () =
    assert!(STORE_OUTAGE_MAX.as_nanos() + STORE_COMMIT_TIME_MAX.as_nanos() < FORWARDED_TIME_MAX.as_nanos());
const _: () = assert!(STORE_STATEMENT_TIME_MAX.as_nanos() < STORE_COMMIT_TIME_MAX.as_nanos());
const _: () = assert!(TERM_SILENCE.as_nanos() < TAKE_OVER_WAIT_MAX.as_nanos());
