//! `invalidate TARGET PATH…`: the short way to one tenant's invalidation.
//!
//! Answers what `create-invalidation-for-distribution-tenant` leaves to its caller: which tenant is meant, which paths are wrong and
//! why, how many there are, what the caller reference should be, and when it is done. One walk:
//!
//! | stop | what it yields |
//! |---|---|
//! | [`options`] | what is asked for |
//! | [`lint`] | the paths, judged, without those that others cover |
//! | [`target`] | the tenant |
//! | [`mod@reference`] | the caller reference |
//!
//! Then the calls, by the same modules as any other command's, so they are those that AWS knows. Deliberately not here: all tenants of
//! a distribution; everything below [`invalidate`] is about one tenant, so that it can be repeated.

mod lint;
mod options;
mod reference;
mod target;

use std::ffi::OsString;
use std::time::{Duration, SystemTime};

use recant_core::limits::PATHS_PER_BATCH_MAX;
use recant_wire::document::{Document, Members};
use recant_wire::model::{self, Operation};
use recant_wire::sigv4::date::AmzDate;

use self::lint::Linted;
use self::options::{Line, Options};
use self::reference::Reference;
use crate::call::{Caller, wall_time};
use crate::config::Config;
use crate::environment::Environment;
use crate::error::{Error, ErrorFormat};
use crate::output::{self, Printer};
use crate::{input, run, words};

/// The status when the time of `--wait` is over.
const TIMED_OUT: u8 = 1;
/// The first pause between two polls: an invalidation that all edges take at once is done by then.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest pause between two polls.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// What the plane's clock and ours may be apart before an invalidation counts as older than this run.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(2);

/// Runs `invalidate`; the words are those after it. Returns the exit status.
///
/// Standard output gets the result, standard error everything that is said about it.
pub fn invalidate(words: impl IntoIterator<Item = OsString>, environment: &mut dyn Environment) -> u8 {
    let words: Vec<String> = words.into_iter().map(|word| run::text_of(&word)).collect();
    match execute(&words, environment) {
        Ok(status) => status,
        Err(error) => {
            if !error.render(ErrorFormat::Enhanced).is_empty() {
                say(environment, &error.to_string());
            }
            error.exit_status()
        }
    }
}

fn execute(words: &[String], environment: &mut dyn Environment) -> Result<u8, Error> {
    let options = match options::resolve(words, environment)? {
        Line::Help => {
            output::write(environment, options::HELP)?;
            return Ok(0);
        }
        Line::Invalidate(options) => *options,
    };
    let typed = all_paths(environment, &options)?;
    let paths = judged(environment, &typed, &options)?;

    let config = Config::load(environment, options.globals.profile.as_deref())?;
    let mut caller = Caller::new(environment, &config, &options.globals)?;
    let tenant = target::resolve(environment, &mut caller, &options.target)?;
    let reference = match &options.deploy_id {
        Some(deploy_id) => Reference::derived(&tenant, deploy_id, &paths.kept),
        None => Reference::fresh(environment.now(), environment.random()),
    };
    one_tenant(environment, &mut caller, &config, &Job { options: &options, tenant, reference, paths })
}

/// A line on standard error. Nothing can be told to a reader that is gone.
fn say(environment: &mut dyn Environment, text: &str) {
    let _ = environment.stderr().write_all(format!("recant invalidate: {text}\n").as_bytes());
    let _ = environment.stderr().flush();
}

/// The paths of the line and of its file. Empty lines of a file are none.
fn all_paths(environment: &mut dyn Environment, options: &Options) -> Result<Vec<String>, Error> {
    let mut paths = options.paths.clone();
    if let Some(name) = &options.paths_from {
        let bytes =
            if name == "-" { environment.read_stdin() } else { std::fs::read(environment.expand_path(name)) };
        let bytes = bytes.map_err(|why| {
            Error::Parameter(format!("--paths-from: {}", input::files::system_error(&why, name)))
        })?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Error::Parameter(format!("--paths-from: '{name}' is not UTF-8")))?;
        // A file that an editor of another system wrote may begin with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        paths.extend(text.lines().filter(|line| !line.is_empty()).map(str::to_owned));
    }
    if paths.is_empty() {
        return Err(Error::Parameter(
            "there is no path. '/*' is everything; in a shell, quote '*' and '#tag'".to_owned(),
        ));
    }
    Ok(paths)
}

/// Judges the paths, and says what is noticed.
fn judged(environment: &mut dyn Environment, typed: &[String], options: &Options) -> Result<Linted, Error> {
    let linted = lint::lint(typed, options.as_typed).map_err(|bad| {
        let lines: Vec<String> = bad.iter().map(|bad| format!("\n  {bad}")).collect();
        let (count, all) = (bad.len(), typed.len());
        Error::Parameter(format!("{count} of {all} paths cannot be sent; nothing was:{}", lines.concat()))
    })?;
    if let Some(expanded) = lint::expanded_by_a_shell(&options.paths) {
        return Err(Error::Parameter(expanded.to_owned()));
    }
    for hint in &linted.hints {
        say(environment, hint);
    }
    if linted.redundant > 0 {
        say(environment, &format!("{} redundant left out", counted(linted.redundant)));
    }
    if linted.kept.len() > PATHS_PER_BATCH_MAX {
        return Err(Error::Parameter(format!(
            "{} paths are more than the {PATHS_PER_BATCH_MAX} of one invalidation; use prefixes or tags",
            linted.kept.len()
        )));
    }
    Ok(linted)
}

fn counted(paths: usize) -> String {
    if paths == 1 { "1 path".to_owned() } else { format!("{paths} paths") }
}

/// One tenant's invalidation, ready to be asked for.
struct Job<'a> {
    options: &'a Options,
    tenant: String,
    reference: Reference,
    paths: Linted,
}

impl Job<'_> {
    fn batch(&self) -> Document {
        let quantity = i64::try_from(self.paths.kept.len()).expect("bounded by the size of a batch");
        let paths = Document::structure([
            ("Quantity", Document::Integer(quantity)),
            ("Items", Document::list(self.paths.kept.iter().map(String::as_str))),
        ]);
        Document::structure([("Paths", paths), ("CallerReference", Document::from(self.reference.as_str()))])
    }
}

fn one_tenant(
    environment: &mut dyn Environment,
    caller: &mut Caller<'_>,
    config: &Config,
    job: &Job<'_>,
) -> Result<u8, Error> {
    say(environment, &job.reference.explanation());
    let create = operation("CreateInvalidationForDistributionTenant");
    let batch = job.batch();
    if job.options.dry_run {
        let plain = format!(
            "recant cloudfront {} --id {} --invalidation-batch {}",
            create.cli_name,
            words::quoted(&job.tenant),
            words::quoted(&output::json::compact(&batch))
        );
        let input = Document::structure([("Id", job.tenant.as_str().into()), ("InvalidationBatch", batch)]);
        show(environment, config, job.options, create, &plain, input)?;
        return Ok(0);
    }

    let began = environment.now();
    let input: Members =
        [("Id", job.tenant.as_str().into()), ("InvalidationBatch", batch)].into_iter().collect();
    let mut created = Created::read(&caller.call(environment, create, &input)?)?;
    created.is_replay = job.reference.is_derived() && created.is_older_than(began);
    if created.is_replay {
        let text = format!(
            "{} is of {}, before this run: the same paths had been sent under this deploy id, and nothing new is \
             invalidated. A new deploy needs another --deploy-id",
            created.id, created.time
        );
        say(environment, &text);
    }
    let in_time = match job.options.wait {
        None => true,
        Some(limit) => wait(environment, caller, job, &mut created, limit)?,
    };
    let plain = format!("{} {}", created.id, created.status);
    show(environment, config, job.options, create, &plain, created.document(job))?;
    Ok(if in_time { 0 } else { TIMED_OUT })
}

fn operation(name: &'static str) -> &'static Operation {
    model::operation(name).expect("it is in the model")
}

/// Shows the result: one line for people, or what `--output` and `--query` make of the data.
fn show(
    environment: &mut dyn Environment,
    config: &Config,
    options: &Options,
    operation: &'static Operation,
    plain: &str,
    data: Document,
) -> Result<(), Error> {
    if options.globals.output.is_none() && options.globals.query.is_none() {
        return output::write(environment, &format!("{plain}\n"));
    }
    Printer::resolve(environment, config, &options.globals, operation.name)?.show(environment, data)
}

/// What the service says about the invalidation.
struct Created {
    id: String,
    status: String,
    time: String,
    is_replay: bool,
}

impl Created {
    fn read(result: &Document) -> Result<Self, Error> {
        let text = |name: &str| {
            let value = result.get("Invalidation").and_then(|invalidation| invalidation.get(name));
            value.and_then(Document::as_str).unwrap_or_default().to_owned()
        };
        let created =
            Self { id: text("Id"), status: text("Status"), time: text("CreateTime"), is_replay: false };
        if created.id.is_empty() {
            return Err(Error::general("the answer names no invalidation"));
        }
        Ok(created)
    }

    fn is_completed(&self) -> bool {
        self.status == "Completed"
    }

    /// Whether it was there before; a time that cannot be read says nothing.
    fn is_older_than(&self, began: SystemTime) -> bool {
        let digits: String = self.time.chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect();
        AmzDate::parse(&format!("{digits}Z"))
            .is_some_and(|time| wall_time(began).saturating_since(time.wall_time()) > CLOCKS_APART_MAX)
    }

    fn document(&self, job: &Job<'_>) -> Document {
        let redundant = i64::try_from(job.paths.redundant).unwrap_or(i64::MAX);
        Document::structure([
            ("DistributionTenantId", Document::from(job.tenant.as_str())),
            ("Id", self.id.as_str().into()),
            ("Status", self.status.as_str().into()),
            ("CreateTime", self.time.as_str().into()),
            ("CallerReference", job.reference.as_str().into()),
            ("Paths", Document::list(job.paths.kept.iter().map(String::as_str))),
            ("RedundantPaths", Document::Integer(redundant)),
            ("Replay", Document::Boolean(self.is_replay)),
        ])
    }
}

/// Polls until it is completed; false when the time is over first.
fn wait(
    environment: &mut dyn Environment,
    caller: &mut Caller<'_>,
    job: &Job<'_>,
    created: &mut Created,
    limit: Duration,
) -> Result<bool, Error> {
    let get = operation("GetInvalidationForDistributionTenant");
    let input: Members =
        [("DistributionTenantId", job.tenant.as_str().into()), ("Id", created.id.as_str().into())]
            .into_iter()
            .collect();
    let began = environment.now();
    let (mut pause, mut slept) = (PAUSE_MIN, Duration::ZERO);
    if !created.is_completed() {
        say(environment, &format!("waiting for {}, at most {} s", created.id, limit.as_secs()));
    }
    while !created.is_completed() {
        // A wall clock may be set back; what was slept has passed in any case.
        let elapsed = environment.now().duration_since(began).unwrap_or_default().max(slept);
        let left = limit.saturating_sub(elapsed);
        if left.is_zero() {
            let text = format!("{} is still {} after {} s", created.id, created.status, limit.as_secs());
            say(environment, &text);
            return Ok(false);
        }
        environment.sleep(pause.min(left));
        slept += pause.min(left);
        pause = (pause * 3 / 2).min(PAUSE_MAX);
        created.status = Created::read(&caller.call(environment, get, &input)?)?.status;
    }
    Ok(true)
}
