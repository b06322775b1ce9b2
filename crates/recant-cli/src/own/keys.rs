//! `keys …`: who may call a plane, and what each may do.
//!
//! A secret is shown when its key is made, and never again. Answers are the plane's own, with the members of the API.

use http::Method;
use recant_wire::document::{Document, Members};

use super::line::Line;
use super::policy;
use super::session::Session;
use crate::error::Error;
use crate::lowargs::{Opt, Takes};

/// What `keys help` says.
pub(super) const HELP: &str = "\
Access keys of a plane, and what each may do. Where the plane is and who asks is said as for 'recant cloudfront'; 'recant env' writes it.

Commands
  list                      all keys, the root key first
  show ID                   one key
  create NAME POLICY        a new key. The answer has its secret, which is not told again
  rotate ID                 a new key with name and policy of another one, which goes on working until it is disabled
  disable ID | enable ID    nobody is let in by it from now on, or somebody is again
  delete ID                 for ever
  policy get ID             the policy alone
  policy set ID POLICY      another policy, which counts from the next request on

POLICY is one of
  --policy DOCUMENT         in IAM's form: JSON, the name of a file with it, or '-' for standard input
  --may WHAT                'invalidate': all that 'recant invalidate' asks for; 'read': to look at everything but keys and the audit log;
                            'everything'

Options
  --on TENANT               with '--may invalidate': this tenant only, by id, ARN, name or domain (repeatable)
  --disable-old             with 'rotate': disable the old key at once
  --output FORMAT           json, text, table, yaml (json)

Options of every command, as --endpoint-url, --region, --profile, --query and --color, go as well.

Exit status: 0 when it is done; 252 a wrong line; 253 a setting; 254 an error of the plane; 255 anything else.
";

pub(super) const TABLE: &[Opt<'static>] = &[
    Opt::new("--policy", Takes::One),
    Opt::new("--may", Takes::One),
    Opt::new("--on", Takes::One),
    Opt::new("--disable-old", Takes::Nothing),
];

/// The options that say a policy.
const POLICY: &[&str] = &["--policy", "--may", "--on"];

/// More pages than this are not walked: a plane has at most 10,000 keys.
const PAGES_MAX: usize = 1_000;
/// Keys of the same name that are told.
const NAMESAKES_TOLD_MAX: usize = 3;

/// Does what the line says.
///
/// # Errors
///
/// A line that says nothing known, and whatever the plane refuses.
pub(super) fn run(line: &Line, session: &mut Session<'_>) -> Result<(), Error> {
    let words: Vec<&str> = line.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["list"] => with(line, &[], || list(session)),
        ["show", id] => with(line, &[], || {
            let key = get(session, id_of(id)?)?;
            session.show(key)
        }),
        ["create", name] => with(line, POLICY, || {
            let policy = wanted_policy(line, session)?;
            let made = create(session, name, policy)?;
            session.show(made.clone())?;
            tell_of_namesakes(session, &made, name);
            Ok(())
        }),
        ["rotate", id] => {
            with(line, &["--disable-old"], || rotate(session, id_of(id)?, line.has("--disable-old")))
        }
        ["disable", id] => {
            with(line, &[], || update(session, id_of(id)?, "Status", Document::from("Inactive")))
        }
        ["enable", id] => with(line, &[], || update(session, id_of(id)?, "Status", Document::from("Active"))),
        ["delete", id] => with(line, &[], || {
            session.call("DeleteKey", Method::DELETE, &["keys", id_of(id)?], Members::new()).map(drop)
        }),
        ["policy", "get", id] => with(line, &[], || {
            let key = get(session, id_of(id)?)?;
            let policy = key.get("Key").and_then(|key| key.get("Policy")).cloned();
            let policy =
                policy.ok_or_else(|| Error::general("the root key has no policy: it may do everything"))?;
            session.show(policy)
        }),
        ["policy", "set", id] => with(line, POLICY, || {
            let policy = wanted_policy(line, session)?;
            update(session, id_of(id)?, "Policy", policy)
        }),
        _ => Err(wrong(&words)),
    }
}

/// Does it, unless the line has options that say nothing here.
fn with(line: &Line, allowed: &[&str], run: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    match line.options().find(|option| !allowed.contains(option)) {
        Some(option) => {
            Err(Error::Parameter(format!("{option} says nothing with 'recant keys {}'", line.words[0])))
        }
        None => run(),
    }
}

fn wrong(words: &[&str]) -> Error {
    let why = match words {
        [] => "what shall be done with keys?".to_owned(),
        ["create", ..] => "'create' wants one NAME".to_owned(),
        ["policy", ..] => "'policy' wants 'get' or 'set', and one ID".to_owned(),
        ["show" | "rotate" | "disable" | "enable" | "delete", ..] => format!("'{}' wants one ID", words[0]),
        ["list", ..] => "'list' stands alone".to_owned(),
        [other, ..] => format!("there is no '{other}'"),
    };
    Error::Parameter(format!("{why}; 'recant keys help' lists all commands"))
}

fn wanted_policy(line: &Line, session: &mut Session<'_>) -> Result<Document, Error> {
    policy::of(line, session)?.ok_or_else(|| {
        Error::Parameter(
            "what may the key do? Say --policy DOCUMENT, or --may invalidate, read or everything".to_owned(),
        )
    })
}

fn list(session: &mut Session<'_>) -> Result<(), Error> {
    let keys = all(session)?;
    session.show(Document::structure([("Keys", Document::List(keys))]))
}

/// All keys, the root key first.
fn all(session: &mut Session<'_>) -> Result<Vec<Document>, Error> {
    let (mut keys, mut marker) = (Vec::new(), None::<String>);
    for _ in 0..PAGES_MAX {
        let members = marker.take().map(|marker| ("Marker", Document::from(marker)));
        let page = session.call("ListKeys", Method::GET, &["keys"], members.into_iter().collect())?;
        if keys.is_empty() {
            keys.extend(page.get("RootKey").cloned());
        }
        keys.extend(page.get("Keys").and_then(Document::as_list).unwrap_or_default().iter().cloned());
        match page.get("NextMarker").and_then(Document::as_str) {
            Some(next) => marker = Some(next.to_owned()),
            None => break,
        }
    }
    Ok(keys)
}

/// Says which other keys have the name of one that was just made: they need not differ, and whoever makes a second one of the same name often
/// means that it takes the place of the first.
fn tell_of_namesakes(session: &mut Session<'_>, made: &Document, name: &str) {
    // The key is made and shown. Whoever may make keys need not be allowed to list them.
    let Ok(keys) = all(session) else { return };
    let member = |key: &Document, name: &str| key.get(name).and_then(Document::as_str).map(str::to_owned);
    let own = made.get("Key").and_then(|key| member(key, "AccessKeyId"));
    let others = keys.iter().filter(|key| {
        member(key, "Name").as_deref() == Some(name)
            && member(key, "Status").as_deref() == Some("Active")
            && member(key, "AccessKeyId") != own
            && !matches!(key.get("IsRoot"), Some(Document::Boolean(true)))
    });
    for id in others.filter_map(|key| member(key, "AccessKeyId")).take(NAMESAKES_TOLD_MAX) {
        session.say(&format!(
            "'{id}' is called '{name}', too, and goes on working. If this key is to take its place: recant keys disable {id}; \
             next time: recant keys rotate {id}"
        ));
    }
}

fn get(session: &mut Session<'_>, id: &str) -> Result<Document, Error> {
    session.call("GetKey", Method::GET, &["keys", id], Members::new())
}

fn create(session: &mut Session<'_>, name: &str, policy: Document) -> Result<Document, Error> {
    let members = [("Name", Document::from(name)), ("Policy", policy)].into_iter().collect();
    session.call("CreateKey", Method::POST, &["keys"], members)
}

fn update(session: &mut Session<'_>, id: &str, member: &str, value: Document) -> Result<(), Error> {
    let members = [(member, value)].into_iter().collect();
    let key = session.call("UpdateKey", Method::PUT, &["keys", id], members)?;
    session.show(key)
}

/// A key's id, if this looks like one.
fn id_of(word: &str) -> Result<&str, Error> {
    let is_id = word.starts_with("AKIA") && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_id.then_some(word).ok_or_else(|| {
        Error::Parameter(format!(
            "'{word}' is no key's id (AKIA...); 'recant keys list' shows them with their names"
        ))
    })
}

/// Makes the new key, and shows it before anything else can fail.
fn rotate(session: &mut Session<'_>, id: &str, disables_old: bool) -> Result<(), Error> {
    let old = get(session, id)?;
    let member = |name: &str| old.get("Key").and_then(|key| key.get(name)).cloned();
    let name = member("Name").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
    let policy = member("Policy").ok_or_else(|| {
        Error::Parameter(format!(
            "'{id}' is the root key: it lies in the plane's data folder, and is not rotated over the API"
        ))
    })?;
    let made = create(session, &name, policy)?;
    session.show(made)?;
    if disables_old {
        let members = [("Status", Document::from("Inactive"))].into_iter().collect();
        session.call("UpdateKey", Method::PUT, &["keys", id], members)?;
    } else {
        session.say(&format!("'{id}' goes on working; once nobody uses it: recant keys disable {id}"));
    }
    Ok(())
}
