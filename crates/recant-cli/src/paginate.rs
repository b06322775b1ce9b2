//! Walking the pages of a list, as the AWS CLI does it.
//!
//! `--max-items` bounds what is shown and yields a token to go on from; `--page-size` bounds what one request asks for;
//! `--starting-token` goes on. A member that is itself a token (`--marker`) turns all of this off.

use recant_wire::base64;
use recant_wire::document::{Document, Members};
use recant_wire::model::{Kind, Operation, Paginator};
use recant_wire::python;

use crate::command::{Given, Role};
use crate::environment::Environment;
use crate::error::Error;
use crate::globals::Globals;
use crate::input::{convert, json};
use crate::path;

/// The key in a token that says how much of its page was shown already.
const TRUNCATE_KEY: &str = "boto_truncate_amount";

/// How the pages of one call are walked.
#[derive(Debug)]
pub(crate) struct Paging {
    paginator: &'static Paginator,
    max_items: Option<i64>,
    page_size: Option<Document>,
    starting_token: Option<String>,
}

/// Finds out whether and how pages are walked; none sends one request with the input as it is.
///
/// # Errors
///
/// Paging options beside `--no-paginate`.
pub(crate) fn resolve(
    operation: &'static Operation,
    paginator: &'static Paginator,
    given: &Given<'_>,
    globals: &Globals,
    input: &mut Members,
    environment: &mut dyn Environment,
) -> Result<Option<Paging>, Error> {
    // The API spells some of its bounds as text, and then any text will do for one.
    let limit_is_text = limit_is_text(operation);
    let limit = |role, option| match limit_is_text {
        true => Ok(given.loaded(environment, role, option)?.map(Document::from)),
        false => given.text(role).map(convert::python_int).transpose(),
    };
    let mut max_items = limit(Role::MaxItems, "--max-items")?;
    let mut page_size = limit(Role::PageSize, "--page-size")?;
    let mut starting_token = given.loaded(environment, Role::StartingToken, "--starting-token")?;

    let has_own_token = input.contains(paginator.input_token) || input.contains(paginator.limit_key);
    if !globals.paginate || has_own_token {
        let mut used = Vec::new();
        // What is empty or zero counts as not given.
        used.extend(starting_token.as_ref().filter(|token| !token.is_empty()).map(|_| "--starting-token"));
        let is_nothing = |size: &Document| *size == Document::Integer(0) || size.as_str() == Some("");
        used.extend(page_size.as_ref().filter(|size| !is_nothing(size)).map(|_| "--page-size"));
        if !used.is_empty() {
            let used = used.join(", ");
            return Err(Error::Parameter(format!(
                "Cannot specify --no-paginate along with pagination arguments: {used}"
            )));
        }
        // The AWS CLI has no place for those then, and finds so itself when it validates.
        if starting_token.is_some() || page_size.is_some() {
            input.insert("PaginationConfig", Members::new());
        }
        // Without paging, --max-items is the API's own member again.
        if let Some(max_items) = max_items {
            match input.contains(paginator.limit_key) {
                false => input.insert(paginator.limit_key, max_items),
                true => input.insert("PaginationConfig", Members::new()),
            };
        }
        return Ok(None);
    }
    match input.remove("PaginationConfig") {
        Some(Document::Structure(config)) => {
            let member = |name| config.get(name).filter(|value| !value.is_null()).cloned();
            max_items = max_items.or_else(|| member("MaxItems"));
            page_size = page_size.or_else(|| member("PageSize"));
            starting_token = starting_token.or_else(|| member("StartingToken")?.as_str().map(str::to_owned));
        }
        Some(other) => {
            let class = python::class(&other);
            return Err(Error::general(format!("PaginationConfig: a structure is expected, not {class}")));
        }
        None => {}
    }
    page_size = match page_size {
        Some(size) if limit_is_text => Some(Document::from(python::str(&size))),
        size => size.as_ref().map(whole_number).transpose()?,
    };
    let max_items = max_items.as_ref().map(whole_number).transpose()?.and_then(|number| number.as_integer());
    if max_items.is_some_and(|max_items| max_items <= 0) {
        let warning = "warning: Non-positive values for --max-items may result in undefined behavior.\n";
        let _ = environment.stderr().write_all(warning.as_bytes());
    }
    Ok(Some(Paging { paginator, max_items, page_size, starting_token }))
}

/// What Python's `int` makes of a value.
fn whole_number(value: &Document) -> Result<Document, Error> {
    match value {
        Document::String(text) => convert::python_int(text),
        Document::Boolean(is_one) => Ok(Document::Integer(i64::from(*is_one))),
        Document::Float(number) if number.is_finite() => {
            Ok(convert::integer(&format!("{:.0}", number.trunc())))
        }
        Document::Integer(_) | Document::BigInteger(_) => Ok(value.clone()),
        other => {
            let class = python::class(other);
            Err(Error::general(format!("PaginationConfig: a number is expected, not {class}")))
        }
    }
}

/// Whether the API spells the bound of a page as text.
pub(crate) fn limit_is_text(operation: &Operation) -> bool {
    let limit =
        operation.paginator.as_ref().and_then(|paginator| operation.input.member(paginator.limit_key));
    limit.is_some_and(|member| matches!(member.shape.kind, Kind::String))
}

impl Paging {
    /// Asks for page after page and hands each to `show`; returns the token to go on from, if the walk was cut short.
    ///
    /// # Errors
    ///
    /// What a request or `show` gave, or a service that names the same page twice.
    pub(crate) fn walk(
        &self,
        input: &Members,
        mut ask: impl FnMut(&Members) -> Result<Document, Error>,
        mut show: impl FnMut(Document) -> Result<(), Error>,
    ) -> Result<Option<String>, Error> {
        let paginator = self.paginator;
        let mut input = input.clone();
        let (mut token, mut skip) = (None, None);
        if let Some(text) = &self.starting_token {
            let start = decode_token(text, paginator.input_token)?;
            for (name, value) in start.members.iter() {
                inject(&mut input, name, Some(value));
            }
            token = start.members.get(paginator.input_token).filter(|token| !token.is_null()).cloned();
            skip = Some(start.skip);
        }
        if let Some(page_size) = &self.page_size {
            input.insert(paginator.limit_key, page_size.clone());
        }
        let mut previous: Option<Document> = None;
        let mut shown = 0;
        loop {
            let mut page = ask(&input)?;
            let skipped = skip.take().map(|skip| skipped(&skip)).transpose()?;
            if let Some(skipped) = skipped {
                let rest = path::get(&page, paginator.result_key)
                    .and_then(Document::as_list)
                    .map(|items| items[index(skipped, items.len())..].to_vec());
                replace(&mut page, paginator.result_key, rest.map_or(Document::Null, Document::List));
            }
            let items =
                path::get(&page, paginator.result_key).and_then(Document::as_list).unwrap_or_default();
            let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let surplus = self.max_items.map_or(0, |max_items| (shown + count).saturating_sub(max_items));
            if surplus > 0 {
                let keep = count.saturating_sub(surplus);
                let kept = items[..index(keep, items.len())].to_vec();
                replace(&mut page, paginator.result_key, Document::List(kept));
                show(page)?;
                return Ok(encode_token(
                    paginator.input_token,
                    token,
                    Some(keep.saturating_add(skipped.unwrap_or(0))),
                ));
            }
            token = next_token(paginator, &page);
            show(page)?;
            shown += count;
            let Some(next) = &token else {
                return Ok(None);
            };
            if self.max_items == Some(shown) {
                return Ok(encode_token(paginator.input_token, token, None));
            }
            if previous.as_ref() == Some(next) {
                return Err(Error::general(format!(
                    "Error during pagination: The same next token was received twice: {}",
                    python::repr(&Document::structure([(paginator.input_token, next.clone())]))
                )));
            }
            inject(&mut input, paginator.input_token, Some(next));
            previous = Some(next.clone());
        }
    }

    /// The part of a page that paging shows: its list alone, at its path.
    pub(crate) fn list_of(&self, page: &Document) -> Document {
        let mut only = Members::new();
        path::set(
            &mut only,
            self.paginator.result_key,
            path::get(page, self.paginator.result_key).cloned().into(),
        );
        Document::Structure(only)
    }

    /// Adds a page's list to the whole.
    pub(crate) fn append(&self, whole: &mut Members, page: Document) {
        let Some(Document::List(items)) = path::get(&page, self.paginator.result_key) else {
            return;
        };
        match path::get_mut(whole, self.paginator.result_key) {
            Some(Document::List(all)) => all.extend(items.iter().cloned()),
            _ => path::set(whole, self.paginator.result_key, Document::List(items.clone())),
        }
    }
}

/// A Python slice's bound: a negative one counts from the end.
fn index(bound: i64, length: usize) -> usize {
    let signed = i64::try_from(length).unwrap_or(i64::MAX);
    let bound = if bound < 0 { bound.saturating_add(signed) } else { bound };
    usize::try_from(bound.clamp(0, signed)).unwrap_or(length)
}

fn replace(page: &mut Document, at: &str, value: Document) {
    if let Document::Structure(members) = page {
        path::set(members, at, value);
    }
}

/// The token of the next page: none when there is no more.
fn next_token(paginator: &Paginator, page: &Document) -> Option<Document> {
    if let Some(flag) = paginator.more_results
        && path::get(page, flag).and_then(Document::as_bool) != Some(true)
    {
        return None;
    }
    path::get(page, paginator.output_token).filter(|token| token.as_str() != Some("")).cloned()
}

fn inject(input: &mut Members, name: &str, token: Option<&Document>) {
    match token.filter(|token| !token.is_null() && token.as_str() != Some("None")) {
        Some(token) => input.insert(name, token.clone()),
        None => input.remove(name),
    };
}

/// How many items of its page a token says were shown.
fn skipped(amount: &Document) -> Result<i64, Error> {
    match amount {
        Document::Integer(amount) => Ok(*amount),
        Document::Boolean(is_one) => Ok(i64::from(*is_one)),
        Document::Null => Ok(0),
        _ => Err(Error::general("slice indices must be integers or None or have an __index__ method")),
    }
}

/// Where a walk begins.
#[derive(Debug, PartialEq)]
struct Start {
    /// What goes into the input: the service's token.
    members: Members,
    /// How much of its page was shown.
    skip: Document,
}

/// The token for the user: base64 of a JSON object, spaced as Python spaces it.
fn encode_token(name: &str, token: Option<Document>, truncated: Option<i64>) -> Option<String> {
    let mut parts = vec![format!("\"{name}\": {}", in_ascii(&crate::output::json::pretty(&token.into())))];
    parts.extend(truncated.map(|amount| format!("\"{TRUNCATE_KEY}\": {amount}")));
    Some(base64::encode(format!("{{{}}}", parts.join(", ")).as_bytes()))
}

/// JSON in ASCII, as Python writes it.
fn in_ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            c if c.is_ascii() => out.push(c),
            c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    out
}

/// The service's token and how much of its page was shown. A text that is no such token is the service's token itself, or the form
/// `TOKEN___COUNT` of old versions.
///
/// # Errors
///
/// Base64 of JSON that is neither a structure nor a list, in Python's words.
fn decode_token(text: &str, name: &str) -> Result<Start, Error> {
    let decoded = base64::decode_leniently(text)
        .filter(|_| text.is_ascii())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| json::parse(&text).ok());
    match decoded {
        Some(Document::Structure(mut members)) => {
            let skip = members.remove(TRUNCATE_KEY).unwrap_or(Document::Integer(0));
            Ok(Start { members, skip })
        }
        None | Some(Document::List(_)) => Ok(decode_old_token(text, name)),
        Some(other) => {
            let kind = python::class(&other).trim_start_matches("<class ").trim_end_matches('>');
            Err(Error::general(format!("{kind} object has no attribute 'pop'")))
        }
    }
}

fn decode_old_token(text: &str, name: &str) -> Start {
    let (token, skip) = match text.split("___").collect::<Vec<_>>().as_slice() {
        [token, count] => match convert::python_int(count).ok().and_then(|count| count.as_integer()) {
            Some(count) => (*token, count),
            None => (text, 0),
        },
        _ => (text, 0),
    };
    Start { members: [(name, Document::from(token))].into_iter().collect(), skip: skip.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(token: Option<&str>, skip: i64) -> Start {
        Start { members: [("Marker", Document::from(token))].into_iter().collect(), skip: skip.into() }
    }

    #[test]
    fn tokens_go_both_ways() {
        let check = |token: Option<&str>, truncated: Option<i64>, want: &str| {
            let encoded = encode_token("Marker", token.map(Document::from), truncated).expect("a token");
            assert_eq!(encoded, want);
            let decoded = decode_token(&encoded, "Marker").expect("a token");
            assert_eq!(decoded, start(token, truncated.unwrap_or(0)));
        };
        check(Some("m-1"), Some(1), "eyJNYXJrZXIiOiAibS0xIiwgImJvdG9fdHJ1bmNhdGVfYW1vdW50IjogMX0=");
        check(Some("m-1"), None, "eyJNYXJrZXIiOiAibS0xIn0=");
        check(Some("é😀"), None, "eyJNYXJrZXIiOiAiXHUwMGU5XHVkODNkXHVkZTAwIn0=");
        check(None, Some(0), "eyJNYXJrZXIiOiBudWxsLCAiYm90b190cnVuY2F0ZV9hbW91bnQiOiAwfQ==");
        let check = |text: &str, token: Option<&str>, skip: i64| {
            assert_eq!(decode_token(text, "Marker").expect("a token"), start(token, skip), "{text}");
        };
        for plain in ["m-1", "!!!", "", "W10=", "x___y", "a___b___1"] {
            check(plain, Some(plain), 0);
        }
        // As old versions spelled them.
        check("m-1___2", Some("m-1"), 2);
        check("None___1", Some("None"), 1);
        let error = decode_token("bnVsbA==", "Marker").unwrap_err().to_string();
        assert_eq!(error, "'NoneType' object has no attribute 'pop'");
    }
}
