//! How many stored responses an invalidation would match: a question that only Recant answers.
//!
//! `POST /recant/v1/distribution-tenants/{Id}/invalidation-dry-run`, and the same of `distributions`, signed like every other call. Whatever does not answer in its form
//! is not Recant, and then there is no count: nothing is said rather than something wrong.

use http::Method;
use recant_wire::document::Document;
use recant_wire::request::Request;

use super::batch::counted;
use super::kind::Kind;
use super::schedule::Heard;
use crate::call::Answer;
use crate::error::Error;
use crate::input::json;
use crate::transport::Reply;

/// The name of the call, in the log.
pub(super) const NAME: &str = "RecantInvalidationDryRun";

/// What the edges have stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stored {
    /// Stored responses at the edges that have answered.
    pub responses: u64,
    /// Edges that have not.
    pub unanswered: Vec<String>,
}

/// Reads an answer: a count, or none. A refusal is told on where it says why; who does not know the question says nothing of use.
pub(super) fn hear(answer: Answer) -> Heard {
    match answer {
        Answer::Reply(reply) => Stored::read(&reply).map_or(Heard::NoCount(None), Heard::Stored),
        Answer::Refused { status: 403, code, message, .. } if !code.is_empty() => {
            Heard::NoCount(Some(Error::Service { code, message, operation: NAME, reached_max_retries: None }))
        }
        Answer::Refused { .. } | Answer::None { .. } => Heard::NoCount(None),
    }
}

impl Stored {
    /// Reads the answer; none if it is not one of Recant's.
    fn read(reply: &Reply) -> Option<Self> {
        let document = json::parse(std::str::from_utf8(&reply.body).ok()?).ok()?;
        let responses = document.get("StoredResponses")?.as_integer()?;
        let edges = document.get("Unanswered").and_then(Document::as_list).unwrap_or_default();
        let unanswered = edges.iter().filter_map(Document::as_str).map(str::to_owned).collect();
        Some(Self { responses: u64::try_from(responses).ok()?, unanswered })
    }

    /// The count of several tenants together.
    pub(super) fn add(&mut self, other: &Self) {
        self.responses = self.responses.saturating_add(other.responses);
        for edge in &other.unanswered {
            if !self.unanswered.contains(edge) {
                self.unanswered.push(edge.clone());
            }
        }
    }

    /// A sentence.
    pub(super) fn explanation(&self) -> String {
        let responses = usize::try_from(self.responses).unwrap_or(usize::MAX);
        let would_go = format!("{} would go", counted(responses, "stored response"));
        match self.unanswered.len() {
            0 => would_go,
            edges => format!("at least {would_go}; {} did not answer", counted(edges, "edge")),
        }
    }

    /// The members of a result.
    pub(super) fn members(stored: Option<&Self>) -> [(&'static str, Document); 2] {
        let count = stored.map(|stored| i64::try_from(stored.responses).unwrap_or(i64::MAX));
        let unanswered = stored.map(|stored| Document::list(stored.unanswered.iter().map(String::as_str)));
        [("StoredResponses", count.into()), ("UnansweredEdges", unanswered.into())]
    }
}

/// The question for a tenant or distribution.
pub(super) fn request(kind: Kind, id: &str, paths: Document) -> Request {
    let items = Document::structure([("Items", paths)]);
    let (kind, segment) = (kind.segment(), percent_encoded(id));
    Request {
        method: Method::POST,
        path: format!("/recant/v1/{kind}/{segment}/invalidation-dry-run"),
        query: None,
        headers: vec![("content-type", "application/json".to_owned())],
        body: crate::output::json::compact(&items).into_bytes(),
    }
}

/// A tenant's id as a segment of a path: ids are letters, digits and `_`, but the line may say anything.
fn percent_encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let spell = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<Stored> {
        let reply = Reply { status: 200, headers: http::HeaderMap::new(), body: body.as_bytes().to_vec() };
        Stored::read(&reply)
    }

    #[test]
    fn only_recants_answers_count() {
        let check = |body: &str, want: Option<(u64, usize)>| {
            let got = read(body).map(|stored| (stored.responses, stored.unanswered.len()));
            assert_eq!(got, want, "{body}");
        };
        check(
            r#"{"DistributionTenantId":"dt_1","StoredResponses":12,"Edges":[],"Unanswered":["edge-1"]}"#,
            Some((12, 1)),
        );
        check(r#"{"StoredResponses":0}"#, Some((0, 0)));
        check(r#"{"StoredResponses":-1}"#, None);
        check(r#"{"StoredResponses":"12"}"#, None);
        check(r#"{}"#, None);
        check("<html>", None);
    }

    #[test]
    fn a_refusal_is_told_on() {
        let hear = |status, code: &str| {
            let (code, message) = (code.to_owned(), "No.".to_owned());
            hear(Answer::Refused { status, code, message, retry_after: None })
        };
        assert!(matches!(hear(501, "NotImplemented"), Heard::NoCount(None)));
        assert!(matches!(hear(403, ""), Heard::NoCount(None)));
        let Heard::NoCount(Some(refusal)) = hear(403, "AccessDenied") else { panic!("it says why") };
        assert!(refusal.to_string().contains("AccessDenied"), "{refusal}");
    }

    #[test]
    fn a_count_with_a_silent_edge_is_a_lower_bound() {
        let mut all = Stored { responses: 1, unanswered: Vec::new() };
        assert_eq!(all.explanation(), "1 stored response would go");
        let other = Stored { responses: 2, unanswered: vec!["edge-1".to_owned()] };
        all.add(&other);
        all.add(&other);
        assert_eq!(all.explanation(), "at least 5 stored responses would go; 1 edge did not answer");
    }

    #[test]
    fn a_tenant_is_one_segment() {
        let request = request(Kind::Tenant, "a/b c", Document::list(["/a"]));
        assert_eq!(request.path, "/recant/v1/distribution-tenants/a%2Fb%20c/invalidation-dry-run");
        assert_eq!(request.body, br#"{"Items":["/a"]}"#);
    }
}
