//! A service with tenants: pages of them, invalidations by caller reference, and whatever a test wants it to refuse.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use recant_cli::ScriptedEnvironment;

use crate::server::{Answer, Server};
use crate::{Outcome, environment};

/// Tenants of one page.
const PAGE: usize = 2;

/// What a test does to a call: the operation, the tenant and how often it was called before.
type Trouble = dyn Fn(&Call<'_>) -> Option<Answer> + Send + Sync;

/// A call, as the service sees it.
pub(crate) struct Call<'a> {
    /// `list`, `create`, `get`, `count` or `distribution`.
    pub(crate) kind: &'static str,
    /// Whose.
    pub(crate) tenant: &'a str,
    /// Head and body.
    pub(crate) request: &'a str,
    /// Calls of this kind for this tenant before.
    pub(crate) before: usize,
    /// Invalidations that there are.
    pub(crate) invalidations: usize,
}

/// What is remembered.
#[derive(Default)]
struct State {
    calls: BTreeMap<(&'static str, String), usize>,
    /// The kinds and tenants of all calls, in order.
    order: Vec<(&'static str, String)>,
    /// Invalidations by tenant: caller references in order.
    invalidations: BTreeMap<String, Vec<String>>,
}

/// The service.
#[derive(Clone)]
pub(crate) struct Cloud {
    tenants: Vec<String>,
    /// Polls until an invalidation is completed.
    polls: usize,
    state: Arc<Mutex<State>>,
    trouble: Arc<Trouble>,
}

impl Cloud {
    /// So many tenants, `dt_0` and so on.
    pub(crate) fn of(tenants: usize) -> Self {
        Self {
            tenants: (0..tenants).map(|number| format!("dt_{number}")).collect(),
            polls: 1,
            state: Arc::default(),
            trouble: Arc::new(|_| None),
        }
    }

    /// The same service, with this trouble.
    pub(crate) fn with(&self, trouble: impl Fn(&Call<'_>) -> Option<Answer> + Send + Sync + 'static) -> Self {
        Self { trouble: Arc::new(trouble), ..self.clone() }
    }

    /// The same service, slower.
    pub(crate) fn completing_after(&self, polls: usize) -> Self {
        Self { polls, ..self.clone() }
    }

    /// Runs `invalidate` against it.
    pub(crate) fn run(&self, line: &str) -> Outcome {
        self.run_in(environment(), line)
    }

    /// The same in an environment of one's own.
    pub(crate) fn run_in(&self, mut environment: ScriptedEnvironment, line: &str) -> Outcome {
        let cloud = self.clone();
        let server = Server::answering(move |_, request| cloud.answer(request));
        environment.vars.insert("AWS_ENDPOINT_URL".to_owned(), server.endpoint());
        let status = recant_cli::invalidate(line.split_whitespace().map(Into::into), &mut environment);
        Outcome {
            status,
            stdout: String::from_utf8(environment.stdout).unwrap(),
            stderr: String::from_utf8(environment.stderr).unwrap(),
            requests: server.requests(),
            slept: environment.slept,
        }
    }

    /// Invalidations of each tenant.
    pub(crate) fn invalidations(&self) -> Vec<usize> {
        let state = self.state.lock().unwrap();
        self.tenants.iter().map(|tenant| state.invalidations.get(tenant).map_or(0, Vec::len)).collect()
    }

    /// The tenants of all calls of a kind, in order.
    pub(crate) fn order(&self, kind: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.order.iter().filter(|(of, _)| *of == kind).map(|(_, tenant)| tenant.clone()).collect()
    }

    fn answer(&self, request: &str) -> Answer {
        let path = request.split(' ').nth(1).unwrap();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let (kind, tenant) = match parts.as_slice() {
            [_, "distribution-tenants"] => ("list", ""),
            [_, "distribution-tenant", tenant, "invalidation"] => ("create", *tenant),
            [_, "distribution-tenant", tenant, "invalidation", _] => ("get", *tenant),
            [_, "distribution", id] => ("distribution", *id),
            ["recant", "v1", "distribution-tenants", tenant, "invalidation-dry-run"] => ("count", *tenant),
            other => panic!("{other:?}"),
        };
        let mut state = self.state.lock().unwrap();
        state.order.push((kind, tenant.to_owned()));
        let invalidations = state.invalidations.values().map(Vec::len).sum();
        let calls = state.calls.entry((kind, tenant.to_owned())).or_default();
        *calls += 1;
        let call = Call { kind, tenant, request, before: *calls - 1, invalidations };
        if let Some(answer) = (self.trouble)(&call) {
            // An answer that is lost is the only trouble after the deed.
            if matches!(answer, Answer::Close) && kind == "create" {
                state.create(tenant, request);
            }
            return answer;
        }
        match kind {
            "list" => self.page(request),
            "create" => {
                let number = state.create(tenant, request);
                invalidation(tenant, number, self.polls == 0)
            }
            "get" => invalidation(tenant, 1, call.before + 1 >= self.polls),
            _ => Answer::error(404, "NotFound", "No."),
        }
    }

    fn page(&self, request: &str) -> Answer {
        assert!(
            request.contains("<AssociationFilter><DistributionId>E1</DistributionId></AssociationFilter>")
        );
        let first = match request.split_once("<Marker>") {
            None => 0,
            Some((_, rest)) => {
                let marker = rest.split_once('<').unwrap().0;
                self.tenants.iter().position(|tenant| tenant == marker).unwrap() + 1
            }
        };
        let page = self.tenants.iter().skip(first).take(PAGE);
        let items: String = page
            .clone()
            .map(|id| {
                format!(
                    "<DistributionTenantSummary><Id>{id}</Id><Name>{id}</Name></DistributionTenantSummary>"
                )
            })
            .collect();
        let next = page.clone().next_back().filter(|last| self.tenants.last() != Some(last));
        let next = next.map_or(String::new(), |next| format!("<NextMarker>{next}</NextMarker>"));
        Answer::ok(&format!(
            "<ListDistributionTenantsResult>{next}<DistributionTenantList>{items}</DistributionTenantList>\
             </ListDistributionTenantsResult>"
        ))
    }
}

impl State {
    /// A reference that is known gives the invalidation that is there. Returns its number.
    fn create(&mut self, tenant: &str, request: &str) -> usize {
        let (_, rest) = request.split_once("<CallerReference>").unwrap();
        let reference = rest.split_once('<').unwrap().0;
        let known = self.invalidations.entry(tenant.to_owned()).or_default();
        let at = known.iter().position(|known| known == reference).unwrap_or_else(|| {
            known.push(reference.to_owned());
            known.len() - 1
        });
        at + 1
    }
}

fn invalidation(tenant: &str, number: usize, is_completed: bool) -> Answer {
    let status = if is_completed { "Completed" } else { "InProgress" };
    let time = "2024-12-05T18:40:49.413Z";
    Answer::ok(&format!(
        "<Invalidation><Id>I-{tenant}-{number}</Id><Status>{status}</Status><CreateTime>{time}</CreateTime></Invalidation>"
    ))
}
