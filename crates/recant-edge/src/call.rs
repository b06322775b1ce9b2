//! What of a viewer's request goes to the origin.
//!
//! Two kinds of requests go out. One that may use the cache carries only what its key tells apart
//! (`recant_core::cache_key`), and what the behaviour's origin request policy adds, so that what comes back may be
//! stored; a viewer's preconditions stay behind with the rest, so a full response comes back and is passed on, which
//! RFC 9110 section 13.2.1 allows. Where something is stored that may still be good, the edge's own preconditions take
//! their place. One range goes along, with its `If-Range`: the response says itself whether it is a part, and of what. Any other request goes out whole, or as the origin request policy chooses: all end-to-end fields, the full query,
//! the body as it comes; nothing of what comes back is stored.

use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap, HeaderName,
    HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
    TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Request, Version};
use http_body::Body as _;

use recant_core::freshen;
use recant_core::origin_request_policy::OriginRequestPolicy;
use recant_core::selection::Selection;
use recant_core::spec::OriginSpec;

use crate::forward::Job;
use crate::hop;
use crate::interim::Gate;
use crate::lookup::Reserve;
use crate::origin::{Call, Origin, OriginError, Upload};
use crate::upgrade;
use crate::viewer::Viewer;

impl Job {
    /// The request to the origin, with the edge's own preconditions if something stored is to be validated, and with
    /// the informational responses to it led through the gate.
    pub(crate) fn call(
        &self,
        origin: &Origin,
        spec: &OriginSpec,
        head: &Parts,
        upload: Upload,
        validate: Option<&Reserve>,
        gate: Option<&Gate>,
    ) -> Result<Call, OriginError> {
        let (mut headers, query) = self.fields(head);
        for (name, value) in &spec.custom_headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| OriginError::Malformed)?;
            let value = HeaderValue::from_str(value).map_err(|_| OriginError::Malformed)?;
            if !hop::is_for_one_hop(&name) {
                headers.insert(name, value);
            }
        }
        // Host only if a policy says so: an origin must not answer by what the key does not tell apart.
        let is_keyed = self.arrival.policy().is_some_and(|policy| policy.key.headers.contains(&HOST));
        let is_added = self.arrival.origin_request().is_some_and(|policy| policy.headers.takes(&HOST));
        let host = match head.headers.get(HOST).filter(|_| is_keyed || is_added) {
            Some(host) => host.clone(),
            None => HeaderValue::try_from(origin.place.host_field()).map_err(|_| OriginError::Malformed)?,
        };
        headers.insert(HOST, host);
        // The body's own length counts; hyper states it. Of a GET it would leave a body out whose length nobody knows.
        headers.remove(CONTENT_LENGTH);
        if matches!(&upload, Upload::Viewers(body) if body.size_hint().exact().is_none()) {
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        self.put_conditions(&mut headers, validate);
        hop::append_via(&mut headers, head.version);
        if let Some(protocol) = upgrade::asked(head).filter(|_| self.ask.keyed.is_none()) {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, protocol.clone());
        }

        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let target = format!("{}{}{query}", origin.path, self.path);
        Call::of(head, &target, headers, upload, gate)
    }

    /// Puts this edge's own conditions in: the range that is wanted, and what is to be validated (RFC 9111 section 4.3.1).
    pub(crate) fn put_conditions(&self, headers: &mut HeaderMap, validate: Option<&Reserve>) {
        if let Some(range) = self.ask.keyed.as_ref().and_then(|keyed| keyed.range.as_ref()) {
            headers.extend(range.fields());
        }
        if let Some(reserve) = validate {
            headers.extend(freshen::preconditions(&reserve.stored.headers()));
        }
    }

    /// What of the viewer's fields and query the origin gets to see.
    fn fields(&self, head: &Parts) -> (HeaderMap, Option<String>) {
        match (&self.ask.keyed, self.arrival.origin_request()) {
            (None, None) => (whole(head.headers.clone(), &self.viewer), self.query.clone()),
            (None, Some(policy)) => self.chosen(head, policy),
            (Some(keyed), None) => {
                let mut headers: HeaderMap = keyed.request.origin_headers.iter().cloned().collect();
                hop::carry_hops(&head.headers, &mut headers);
                (headers, keyed.request.origin_query.clone())
            }
            (Some(keyed), Some(policy)) => {
                let (mut headers, query) = self.chosen(head, policy);
                // The edge's own take the place of the viewer's.
                let keyed = keyed.request.origin_headers.iter().filter(|(name, _)| *name != COOKIE);
                for name in
                    PRECONDITIONS.iter().chain([&ACCEPT_ENCODING]).chain(keyed.clone().map(|it| &it.0))
                {
                    headers.remove(name);
                }
                headers.extend(keyed.cloned());
                (headers, query)
            }
        }
    }

    /// What the origin request policy chooses, and the cache policy. What is about the content, the part or the version that is
    /// meant, and who asks for it, a policy does not choose: that goes out with a request that does not use the cache.
    fn chosen(&self, head: &Parts, policy: &OriginRequestPolicy) -> (HeaderMap, Option<String>) {
        let key = self.arrival.policy().map(|policy| &policy.key);
        let is_chosen = |name: &HeaderName| {
            policy.headers.takes(name)
                || key.is_some_and(|key| key.headers.contains(name))
                || *name == AUTHORIZATION
                || *name == X_FORWARDED_FOR && self.ask.keyed.is_none()
                || PRECONDITIONS.contains(name)
                || name.as_str().starts_with("content-")
                // RFC 6455 section 4: no handshake is one without them.
                || name.as_str().starts_with("sec-websocket-")
        };
        let mut headers = whole(head.headers.clone(), &self.viewer);
        let others: Vec<HeaderName> = headers.keys().filter(|name| !is_chosen(name)).cloned().collect();
        for name in &others {
            headers.remove(name);
        }
        if others.contains(&VIA) {
            hop::carry_hops(&head.headers, &mut headers);
        }
        headers.remove(COOKIE);
        let none = Selection::None;
        let cookies = policy.cookies.or(key.map_or(&none, |key| &key.cookies)).of_cookies(&head.headers);
        headers.extend(cookies.map(|cookies| (COOKIE, cookies)));
        let query = policy.query.or(key.map_or(&none, |key| &key.query));
        (headers, query.of_query(self.query.as_deref()))
    }
}

impl Call {
    /// A request with the method of the viewer's, for a target in origin form.
    ///
    /// # Errors
    /// [`OriginError::Malformed`] when the target is none.
    pub(crate) fn of(
        head: &Parts,
        target: &str,
        headers: HeaderMap,
        upload: Upload,
        gate: Option<&Gate>,
    ) -> Result<Self, OriginError> {
        let mut out = Request::new(());
        *out.method_mut() = head.method.clone();
        *out.uri_mut() = target.parse::<PathAndQuery>().map_err(|_| OriginError::Malformed)?.into();
        *out.version_mut() = Version::HTTP_11;
        *out.headers_mut() = headers;
        // RFC 9110 section 15.2: not to a viewer who cannot know what it is.
        if let Some(gate) = gate.filter(|_| head.version != Version::HTTP_10) {
            gate.listen(&mut out);
        }
        Ok(Self { head: out.into_parts().0, upload })
    }
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What is about a part or a version.
pub(crate) const PRECONDITIONS: [HeaderName; 6] =
    [RANGE, IF_RANGE, IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE];

/// All of a viewer's fields that are for the origin. Here the origin may know the viewer.
fn whole(mut headers: HeaderMap, viewer: &Viewer) -> HeaderMap {
    hop::strip(&mut headers);
    // Its 100 (Continue) has been or will be sent by this edge (RFC 9110 section 10.1.1).
    headers.remove(EXPECT);
    if let Ok(viewer) = HeaderValue::from_str(&viewer.address.ip().to_canonical().to_string()) {
        headers.append(X_FORWARDED_FOR, viewer);
    }
    headers
}
