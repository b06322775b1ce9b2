//! What a configuration may ask, and what of it this version honours.
//!
//! A configuration is a promise to viewers. So everything in it is either honoured or refused with the member's full
//! name; nothing is silently ignored. What a member says when it says nothing (`false`, `""`, an empty list, a
//! structure of only such members) asks for nothing and is always accepted: SDKs and consoles send such members.
//!
//! Every text is held against [`characters()`], unless it has come in XML, which has no spelling for what that refuses. Then three
//! checks, in this order:
//!
//! 1. [`constraints()`]: the model's own rules (required, enumerations, lengths), in the service's words;
//! 2. [`quantities()`]: every `Quantity` is the number of its `Items`;
//! 3. [`distribution()`], [`policy()`] and [`tenant()`]: the meaning, member by member; their result is what the log will carry.
//!
//! Not here: whether a name or domain is already taken, which only the store knows.

mod behavior;
mod cache_policy;
mod characters;
mod connection_mode;
mod constraints;
mod customizations;
mod distribution;
mod failing;
mod fields;
mod geo;
mod origin;
mod origin_host;
mod origin_request_policy;
mod parameters;
mod policies;
mod policy;
mod quantities;
mod response_headers_policy;
mod surroundings;
mod tags;
mod tenant;

pub(crate) use characters::characters;
pub(crate) use constraints::constraints;
pub(crate) use customizations::{customizations, web_acl_arn};
pub(crate) use distribution::distribution;
pub(crate) use parameters::definitions;
pub(crate) use policies::{Policies, named_policies};
pub(crate) use policy::{NamedPolicy, policy};
pub(crate) use quantities::quantities;
pub(crate) use surroundings::Surroundings;
pub(crate) use tags::{tag_keys, tags};
pub(crate) use tenant::{TenantChecks, entity_name, tenant};
