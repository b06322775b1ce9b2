//! Calls that nobody would make: inputs of every operation, made up from the API's table, right and wrong, against a live plane. Each is
//! answered, in the form of an answer, and by no 500.
//!
//! Everything that is made up comes from a seed, which is printed; `RECANT_SEED` gives another one. Ids are the plane's, so a seed
//! repeats what was tried, not each byte of it.

use std::collections::{BTreeMap, BTreeSet};

use recant_plane::DnsLookups;
use recant_wire::document::Document;
use recant_wire::model::{self, Kind, Location, Member, Operation, Shape};
use recant_wire::request;
use serde_json::{Map, Value, json};

use super::rig::{Call, Reply, Rig, distribution_config, invalidation, tenant_config};

const CALLS: usize = 2_000;
const SEED: u64 = 20_260_131;

/// Texts that somebody may send for anything.
const ODD_TEXTS: [&str; 24] = [
    "",
    " ",
    "*",
    "/",
    "/*",
    "/a?b=c",
    "#tag",
    "a",
    "x.example",
    "*.example",
    "-",
    "..",
    "0",
    "-1",
    "9223372036854775808",
    "true",
    "null",
    "é日本🎉",
    "'\"<>&",
    "%00%",
    "{{shop}}",
    "arn:aws:cloudfront::000000000000:distribution-tenant/*",
    "2026-01-31T00:00:00Z",
    "\u{1}",
];

/// Our own operations, and members that they have.
const OWN: [(&str, &str); 13] = [
    ("GET", "keys"),
    ("POST", "keys"),
    ("GET", "keys/{Id}"),
    ("PUT", "keys/{Id}"),
    ("DELETE", "keys/{Id}"),
    ("GET", "audit"),
    ("GET", "limits"),
    ("GET", "edges"),
    ("POST", "distributions/{Id}/invalidation"),
    ("GET", "distributions/{Id}/invalidation"),
    ("GET", "distributions/{Id}/invalidation/{Id}"),
    ("POST", "distribution-tenants/{Id}/invalidation-dry-run"),
    ("GET", "distribution-tenants/{Id}/invalidation/{Id}/progress"),
];
const OWN_MEMBERS: [&str; 9] =
    ["Name", "Policy", "Status", "Items", "Paths", "CallerReference", "MaxItems", "Marker", "After"];

/// Numbers out of a seed (SplitMix64, Steele, Lea and Flood 2014).
struct Dice(u64);

impl Dice {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % end as u64).unwrap()
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Whoever makes the calls up: the numbers, and what answers have told.
struct Caller {
    dice: Dice,
    /// Texts of answers, by the member that they stood in.
    seen: BTreeMap<String, Vec<String>>,
    made: usize,
}

impl Caller {
    /// A text for a member: mostly one that was seen in its like.
    fn text(&mut self, name: &str, shape: &Shape) -> String {
        if !shape.values.is_empty() && self.dice.percent(80) {
            return (*self.dice.of(shape.values)).to_owned();
        }
        let like = match name {
            "IfMatch" => "ETag",
            _ if name.ends_with("Id") || name == "Identifier" => "Id",
            _ if name.ends_with("Arn") || name == "Resource" => "Arn",
            _ => name,
        };
        match self.seen.get(like) {
            Some(seen) if self.dice.percent(75) => self.dice.of(seen).clone(),
            _ if self.dice.percent(3) => "x".repeat(5_000),
            _ => (*self.dice.of(&ODD_TEXTS)).to_owned(),
        }
    }

    fn number(&mut self) -> i64 {
        *self.dice.of(&[
            0,
            1,
            2,
            3,
            30,
            80,
            443,
            1_000,
            -1,
            i64::from(i32::MAX),
            i64::from(i32::MIN),
            i64::MAX,
        ])
    }

    /// A value of a shape; the deeper, the less of it.
    fn value(&mut self, name: &str, shape: &'static Shape, depth: usize) -> Value {
        match &shape.kind {
            Kind::Structure(structure) => self.structure(structure.members, depth),
            Kind::List(list) => {
                let items = self.dice.below(3);
                (0..items).map(|_| self.value(name, list.element, depth + 1)).collect()
            }
            Kind::Integer | Kind::Long => match shape.kind {
                Kind::Integer => json!(i32::try_from(self.number()).unwrap_or(7)),
                _ => json!(self.number()),
            },
            Kind::Float | Kind::Double => json!(*self.dice.of(&[0.0, 1.5, -1e300])),
            Kind::Boolean => json!(self.dice.percent(50)),
            Kind::Timestamp => json!("2026-01-31T00:00:00Z"),
            Kind::String | Kind::Blob => json!(self.text(name, shape)),
        }
    }

    fn structure(&mut self, members: &'static [Member], depth: usize) -> Value {
        let mut value = Map::new();
        for member in members {
            let chance = if member.required { 95 } else { 40 / (depth + 1) };
            if depth < 9 && (member.location == Location::Uri || self.dice.percent(chance)) {
                value.insert(member.name.to_owned(), self.value(member.name, member.shape, depth + 1));
            }
        }
        if let Some(Value::Array(items)) = value.get("Items")
            && self.dice.percent(90)
        {
            value.insert("Quantity".to_owned(), json!(items.len()));
        }
        Value::Object(value)
    }

    /// An input that would be right, of the operations that make or change things.
    fn right(&mut self, rig: &Rig, operation: &str) -> Option<Value> {
        self.made += 1;
        let name = format!("made-{}", self.made);
        let seen = |caller: &mut Self, kind: &str| {
            let all = caller.seen.get("Id").cloned().unwrap_or_default();
            let of_kind: Vec<_> = all.into_iter().filter(|id| id.starts_with(kind)).collect();
            (!of_kind.is_empty()).then(|| caller.dice.of(&of_kind).clone())
        };
        let current = |get: &str, label: &str, id: &str| {
            let reply = rig.call(get, json!({ label: id }));
            (reply.status == 200).then(|| (reply.header("etag").to_owned(), reply.output(get)))
        };
        Some(match operation {
            "CreateDistribution" => json!({"DistributionConfig": distribution_config(&name)}),
            "CreateDistributionTenant" => tenant_config(&seen(self, "E")?, &name),
            "CreateConnectionGroup" => json!({"Name": name}),
            "CreateInvalidationForDistributionTenant" => {
                invalidation(&seen(self, "dt_")?, &name, &["/a*", "#tag"])
            }
            "CreateCachePolicy" => json!({"CachePolicyConfig": {"Name": name, "MinTTL": 1}}),
            "UpdateDistributionTenant" | "DeleteDistributionTenant" => {
                let id = seen(self, "dt_")?;
                let (etag, _) = current("GetDistributionTenant", "Identifier", &id)?;
                json!({"Id": id, "IfMatch": etag, "Enabled": false})
            }
            "UpdateConnectionGroup" | "DeleteConnectionGroup" => {
                let id = seen(self, "cg_")?;
                let (etag, _) = current("GetConnectionGroup", "Identifier", &id)?;
                json!({"Id": id, "IfMatch": etag, "Enabled": false})
            }
            "UpdateDistribution" => {
                let id = seen(self, "E")?;
                let (etag, config) = current("GetDistributionConfig", "Id", &id)?;
                json!({"Id": id, "IfMatch": etag, "DistributionConfig": config["DistributionConfig"]})
            }
            _ => return None,
        })
    }

    /// Puts another value somewhere.
    fn spoil(&mut self, value: &mut Value) {
        match value {
            Value::Object(members) if !members.is_empty() && self.dice.percent(85) => {
                let at = self.dice.below(members.len());
                let name = members.keys().nth(at).unwrap().clone();
                match self.dice.percent(15) {
                    true => drop(members.remove(&name)),
                    false => self.spoil(&mut members[&name]),
                }
            }
            Value::Array(items) if !items.is_empty() && self.dice.percent(85) => {
                let at = self.dice.below(items.len());
                match self.dice.percent(20) {
                    true => items.push(items[at].clone()),
                    false => self.spoil(&mut items[at]),
                }
            }
            Value::Number(number) => *number = self.number().into(),
            Value::Bool(flag) => *flag = !*flag,
            Value::String(text) => *text = (*self.dice.of(&ODD_TEXTS)).to_owned(),
            _ => {}
        }
    }

    /// An input of an operation, right or wrong.
    fn input(&mut self, rig: &Rig, operation: &'static Operation) -> Value {
        let right = if self.dice.percent(60) { self.right(rig, operation.name) } else { None };
        match right {
            Some(mut input) => {
                for _ in 0..self.dice.below(3) {
                    self.spoil(&mut input);
                }
                input
            }
            None => self.structure(operation.members(), 0),
        }
    }

    /// Damages a request's bytes, but not so that it is no HTTP.
    fn damage(&mut self, call: &mut Call) {
        let odd = |caller: &mut Self| escaped(caller.dice.of::<&str>(&ODD_TEXTS));
        match self.dice.below(7) {
            0 => call.body.truncate(self.dice.below(call.body.len() + 1)),
            1 if !call.body.is_empty() => {
                let at = self.dice.below(call.body.len());
                call.body[at] = *self.dice.of(b"<>&\"'/\0 \xffaZ9");
            }
            2 if !call.body.is_empty() => {
                let at = self.dice.below(call.body.len());
                let odd =
                    *self.dice.of(&[&b"<x/>"[..], b"<!-- -->", b"&amp;", b"<![CDATA[x]]>", b"<!DOCTYPE x>"]);
                call.body.splice(at..at, odd.iter().copied());
            }
            3 => call.query = format!("{}&{}={}", call.query, odd(self), odd(self)),
            4 => call.query = format!("MaxItems={}&Marker={}", odd(self), odd(self)),
            5 => call.path = format!("{}/{}", call.path, odd(self)),
            _ => call.method = (*self.dice.of(&["GET", "PUT", "POST", "DELETE", "PATCH"])).to_owned(),
        }
    }

    /// A call of one of our own operations.
    fn own(&mut self, rig: &Rig) -> Call {
        let (method, path) = *self.dice.of(&OWN);
        let mut path = path.to_owned();
        while let Some(at) = path.find("{Id}") {
            let odd = self.dice.of(&ODD_TEXTS);
            let id = if self.dice.percent(80) { self.dice_of_seen("Id") } else { (*odd).to_owned() };
            path.replace_range(at..at + 4, &escaped(&id));
        }
        let mut members = Map::new();
        for name in OWN_MEMBERS {
            if self.dice.percent(30) {
                let text = json!(self.dice.of(&ODD_TEXTS));
                let policy = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": text}});
                let values =
                    [text.clone(), json!([text]), json!(self.number()), policy, json!([[]]), Value::Null];
                members.insert(name.to_owned(), self.dice.of(&values).clone());
            }
        }
        let in_body = method != "GET" && self.dice.percent(80);
        let body = if in_body { Value::Object(members.clone()).to_string().into_bytes() } else { Vec::new() };
        let query = members.iter().map(|(name, value)| format!("{name}={}", escaped(&value.to_string())));
        let query = if in_body { String::new() } else { query.collect::<Vec<_>>().join("&") };
        let headers = vec![("host".to_owned(), rig.address.to_string())];
        Call { method: method.to_owned(), path: format!("/recant/v1/{path}"), query, headers, body }
    }

    fn dice_of_seen(&mut self, name: &str) -> String {
        self.seen.get(name).map_or_else(String::new, |seen| self.dice.of(seen).clone())
    }

    /// Keeps the texts of an answer.
    fn note(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| self.note(name, value)),
            Value::Array(items) => items.iter().for_each(|value| self.note(name, value)),
            Value::String(text) => {
                let seen = self.seen.entry(name.to_owned()).or_default();
                if !seen.contains(text) {
                    seen.push(text.clone());
                }
                // The newest ones: what was made is still there.
                if seen.len() > 40 {
                    seen.remove(0);
                }
            }
            _ => {}
        }
    }
}

fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// What every answer is: none of the plane's own mistakes, and an error in the form of its API. Gives the error's code.
fn judged(call: &Call, reply: &Reply) -> Option<String> {
    let told = || {
        format!(
            "{} {}?{}\n{}\n{}",
            call.method,
            call.path,
            call.query,
            String::from_utf8_lossy(&call.body),
            reply.body
        )
    };
    assert!(
        ![500, 503].contains(&reply.status) && (200..600).contains(&reply.status),
        "{}: {}",
        reply.status,
        told()
    );
    if reply.status < 400 {
        return None;
    }
    let code = match call.path.starts_with("/recant/v1/") {
        true => serde_json::from_str::<Value>(&reply.body).unwrap_or_else(|_| panic!("{}", told()))["Code"]
            .clone(),
        false => json!(reply.error().code),
    };
    assert_eq!(reply.status == 501, code == "NotImplemented", "{}", told());
    Some(code.as_str().unwrap_or_else(|| panic!("{}", told())).to_owned())
}

#[test]
fn random_calls_are_answered() {
    let seed = std::env::var("RECANT_SEED").map_or(SEED, |seed| seed.parse().unwrap());
    println!("RECANT_SEED={seed}");
    let mut rig = Rig::start_with(|options| options.dns = DnsLookups::Off);
    let mut caller = Caller { dice: Dice(seed), seen: BTreeMap::new(), made: 0 };
    let distribution = rig.distribution();
    rig.tenant(&distribution, "first");
    for list in ["ListDistributions", "ListDistributionTenants", "ListConnectionGroups", "ListCachePolicies"]
    {
        caller.note("", &rig.ok(list, json!({})));
    }

    let (mut done, mut codes) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..CALLS {
        if caller.dice.percent(10) {
            let call = rig.signed(caller.own(&rig));
            codes.extend(judged(&call, &rig.send(&call)));
            continue;
        }
        // Those that this version offers come more often.
        let all = model::operations();
        let offered = |name: &str| {
            name.contains("Tenant") || name.contains("Distribution") && !name.contains("Streaming")
        };
        let operation = match caller.dice.percent(70) {
            true => *caller.dice.of(&all.iter().filter(|it| offered(it.name)).collect::<Vec<_>>()),
            false => caller.dice.of(all),
        };
        let input = caller.input(&rig, operation);
        // What cannot be spelled is nobody's call.
        let Ok(request) = request::encode(operation, &Document::from(input)) else { continue };
        let mut headers = vec![("host".to_owned(), rig.address.to_string())];
        headers.extend(request.headers.into_iter().map(|(name, value)| (name.to_owned(), value)));
        if headers.iter().any(|(_, value)| value.bytes().any(|byte| !(b' '..=b'~').contains(&byte))) {
            continue;
        }
        let mut call = Call {
            method: request.method.to_string(),
            path: request.path,
            query: request.query.unwrap_or_default(),
            headers,
            body: request.body,
        };
        let is_damaged = caller.dice.percent(15);
        if is_damaged {
            caller.damage(&mut call);
        }
        let call = rig.signed(call);
        let reply = rig.send(&call);
        match judged(&call, &reply) {
            Some(code) => drop(codes.insert(code)),
            None if is_damaged => {}
            None => {
                done.insert(operation.name);
                if operation.output.is_some() {
                    caller.note("", &reply.output(operation.name));
                }
            }
        }
    }
    println!("{} operations succeeded: {done:?}\nrefused with {codes:?}", done.len());
    assert!(done.len() >= 15 && codes.len() >= 10, "such calls prove little: {done:?}, {codes:?}");
    assert_eq!(rig.call("ListDistributions", json!({})).status, 200);
    rig.stop();
}
