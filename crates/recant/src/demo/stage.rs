//! Where the story plays: the parties, the folder they live in, and the two things that are done with them all
//! the time: a client types a line, and viewers fetch pages. Both are checked against what the story expects.

use std::fmt::{Debug, Display};
use std::fs::{self, DirBuilder};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use recant_plane::random;

use super::client::{Answer, Client, Line};
use super::narrate::Narrator;
use super::origin::{self, Origin};
use super::patience::Patience;
use super::processes::{EdgeProcess, PlaneProcess};
use super::viewer::{self, Response};
use crate::env::shell_word;

/// How many edges there are.
pub(super) const EDGES: usize = 2;
/// Short, so that the story need not wait long for a dead edge.
pub(super) const LEASE: Duration = Duration::from_secs(2);

/// Any free port.
const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Everything that takes part. Fields end in this order: the edges, their plane, their folder.
pub(super) struct Stage {
    pub(super) narrator: Narrator,
    pub(super) patience: Patience,
    pub(super) origin: Origin,
    pub(super) edges: [Option<EdgeProcess>; EDGES],
    pub(super) plane: Option<PlaneProcess>,
    client: Client,
    program: PathBuf,
    pub(super) folder: Folder,
    /// How often something was checked.
    pub(super) checks: u32,
}

/// A page of a tenant.
#[derive(Clone, Copy)]
pub(super) struct Page {
    /// The tenant, whose domain is `NAME.example` and whose folder at the origin is `/NAME`.
    pub(super) tenant: &'static str,
    pub(super) path: &'static str,
}

impl Page {
    pub(super) fn host(self) -> String {
        format!("{}.example", self.tenant)
    }
}

/// Where an edge has a response from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Its cache.
    Cache,
    /// The origin: it had nothing.
    Origin,
    /// The origin: what it had was invalidated.
    OriginAgain,
}

impl Stage {
    /// Starts everybody.
    pub(super) fn set() -> anyhow::Result<Self> {
        let patience = Patience::new()?;
        let program = std::env::current_exe().context("this program's own file")?;
        let folder = Folder::make()?;
        let origin = Origin::start()?;
        let plane = PlaneProcess::start(&program, &folder.plane(), ANY, LEASE, &patience)?;
        let client = Client::of(&program, &folder.plane(), &folder.path)?;
        let mut stage = Self {
            narrator: Narrator::new(),
            patience,
            origin,
            edges: [const { None }; EDGES],
            plane: Some(plane),
            client,
            program,
            folder,
            checks: 0,
        };
        for edge in 0..EDGES {
            fs::create_dir(stage.folder.edge(edge))?;
            fs::copy(stage.folder.plane().join("edge-secret"), stage.folder.edge(edge).join("edge-secret"))?;
            stage.start_edge(edge)?;
        }
        Ok(stage)
    }

    /// Starts an edge on its folder.
    pub(super) fn start_edge(&mut self, edge: usize) -> anyhow::Result<&EdgeProcess> {
        let plane = self.plane().api;
        let (name, data_dir) = (name(edge), self.folder.edge(edge));
        let started = EdgeProcess::start(&self.program, &name, &data_dir, plane, ANY, &self.patience)?;
        Ok(self.edges[edge].insert(started))
    }

    /// Starts the plane again, on its folder and its port, so that the edges find it.
    pub(super) fn start_plane_again(&mut self, api: SocketAddr) -> anyhow::Result<()> {
        let plane = PlaneProcess::start(&self.program, &self.folder.plane(), api, LEASE, &self.patience)?;
        self.plane = Some(plane);
        Ok(())
    }

    pub(super) fn plane(&self) -> &PlaneProcess {
        self.plane.as_ref().expect("the story starts the plane again before it goes on")
    }

    /// The edges that live.
    pub(super) fn living(&self) -> impl Iterator<Item = (usize, SocketAddr)> {
        let edges = self.edges.iter().enumerate();
        edges.filter_map(|(n, edge)| edge.as_ref().map(|edge| (n, edge.viewer)))
    }

    /// Holds a claim against what was seen.
    pub(super) fn check<T: PartialEq + Debug>(
        &mut self,
        claim: impl Display,
        expected: T,
        seen: T,
    ) -> anyhow::Result<()> {
        self.checks += 1;
        if expected == seen { Ok(()) } else { bail!("{claim}: expected {expected:?}, saw {seen:?}") }
    }

    /// Types a line for everybody to see; whatever comes of it.
    pub(super) fn type_line(&self, line: &Line) -> anyhow::Result<Answer> {
        self.narrator.tell(line)?;
        let answer = self.client.run(line)?;
        self.narrator.tell(&answer.output)?;
        self.narrator.tell_wrapped(&answer.complaint)?;
        Ok(answer)
    }

    /// Types a line that has to succeed.
    pub(super) fn type_well(&mut self, line: &Line) -> anyhow::Result<Answer> {
        let answer = self.type_line(line)?;
        self.check("the exit code", 0, answer.exit)?;
        Ok(answer)
    }

    /// What a line that nobody need see says.
    pub(super) fn ask(&self, line: &Line) -> anyhow::Result<String> {
        self.client.ask(line)
    }

    /// Asks for one value until it is this one.
    pub(super) fn ask_until(&self, line: &Line, wanted: &str) -> anyhow::Result<()> {
        self.patience
            .until(format!("{line}\nsays {wanted}"), || Ok((self.ask(line)? == wanted).then_some(())))
    }

    /// Waits until the living edges serve this page from their caches: they know its tenant and hold a lease.
    pub(super) fn until_they_cache(&self, page: Page) -> anyhow::Result<()> {
        for (edge, address) in self.living() {
            self.patience.until(format!("{} caches", name(edge)), || {
                Ok(viewer::get(address, &page.host(), page.path)?.is_hit().then_some(()))
            })?;
        }
        Ok(())
    }

    /// Lets viewers fetch these pages from all living edges.
    pub(super) fn viewers_get(&mut self, expected: &[(Page, Source, u64)]) -> anyhow::Result<()> {
        let living: Vec<_> = self.living().collect();
        self.viewers_get_from(&living, expected)
    }

    /// Lets viewers fetch these pages, and holds each response against where it has to come from and which edition it
    /// has to be; then the origin's count against the number of responses it has to have given.
    pub(super) fn viewers_get_from(
        &mut self,
        edges: &[(usize, SocketAddr)],
        expected: &[(Page, Source, u64)],
    ) -> anyhow::Result<()> {
        let heads = edges.iter().map(|(edge, _)| cell(&name(*edge))).collect::<String>();
        self.narrator.tell(format!("{:<28}{heads}", "viewers get").trim_end())?;
        let asked_before = self.origin.requests();
        for &(page, source, edition) in expected {
            let mut row = format!("{:<28}", page.host() + page.path);
            for &(edge, address) in edges {
                let response = viewer::get(address, &page.host(), page.path)?;
                row += &cell(&described(&response));
                let claim = format!("{}{} from {}", page.host(), page.path, name(edge));
                self.check(&claim, 200, response.status)?;
                let body = origin::page(&format!("/{}{}", page.tenant, page.path), edition);
                self.check(&claim, &body, &response.body)?;
                self.check(&claim, source, Source::of(&response))?;
            }
            self.narrator.tell(row.trim_end())?;
        }
        let fetched = expected.iter().filter(|(_, source, _)| *source != Source::Cache).count() * edges.len();
        let asked = self.origin.requests() - asked_before;
        self.check("requests that reached the origin", fetched as u64, asked)
    }

    /// The line by which a shell finds this program.
    pub(super) fn path_line(&self) -> String {
        let folder = self.program.parent().unwrap_or(Path::new("/"));
        format!("$ PATH={}:$PATH", shell_word(&folder.to_string_lossy()))
    }

    /// Ends everybody in good order.
    pub(super) fn clear(&mut self) -> anyhow::Result<()> {
        for edge in &mut self.edges {
            edge.take().map_or(Ok(()), |edge| edge.process.stop())?;
        }
        self.plane.take().map_or(Ok(()), |plane| plane.process.stop())
    }
}

impl Source {
    fn of(response: &Response) -> Self {
        if response.is_hit() {
            Self::Cache
        } else if response.is_because_of_an_invalidation() {
            Self::OriginAgain
        } else {
            Self::Origin
        }
    }
}

/// What readers call an edge.
pub(super) fn name(edge: usize) -> String {
    format!("edge {}", edge + 1)
}

fn cell(text: &str) -> String {
    format!("{text:<32}")
}

/// A response in a few words.
fn described(response: &Response) -> String {
    let from = match Source::of(response) {
        Source::Cache => "hit",
        Source::Origin => "miss",
        Source::OriginAgain => "miss (invalidated)",
    };
    let edition = response.body.trim_end().rsplit(", ").next().unwrap_or_default();
    if response.status == 200 { format!("{from}, {edition}") } else { format!("status {}", response.status) }
}

/// A new folder in the system's place for such; gone at the end, unless it is to be kept.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) keep: bool,
}

impl Folder {
    fn make() -> anyhow::Result<Self> {
        let name = random::text::<8>(b"abcdefghijklmnopqrstuvwxyz234567");
        let path = std::env::temp_dir().join(format!("recant-demo-{name}"));
        // What lies there lets one do anything: for nobody else. A folder that is there already is somebody else's.
        DirBuilder::new().mode(0o700).create(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self { path, keep: false })
    }

    pub(super) fn plane(&self) -> PathBuf {
        self.path.join("plane")
    }

    pub(super) fn edge(&self, edge: usize) -> PathBuf {
        self.path.join(format!("edge-{}", edge + 1))
    }

    /// Writes a file into it.
    pub(super) fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.path.join(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            // Rubbish in the system's place for it harms nobody.
            drop(fs::remove_dir_all(&self.path));
        }
    }
}
