//! The recorded cases of the AWS CLI: the program, linked as `aws`, does what the recordings say.
//!
//! The cases are data in `tests/data/aws-cli`, whose README says how they are written. A [`case`] is performed in
//! a room of its own ([`performance`]) against a [`server`] that plays its [`script`], and is [judged](judge).
//! `RECANT_CASES` names the cases to run: `RECANT_CASES=retry`, `RECANT_CASES='tty-*,wait-404'`.

mod authority;
mod case;
mod deadport;
mod judge;
mod performance;
mod places;
mod request;
mod script;
mod server;
mod signature;
mod suite;
mod text;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Mutex;
use std::{env, io, iter, thread};

use authority::Authority;
use case::Case;
use judge::{Aspect, Verdict};
use performance::Stage;
use suite::Suite;

use crate::rig::RECANT;

/// Most cases wait for the network or a pause, so more run at once than there are processors.
const AT_ONCE: usize = 6;

/// Some cases measure time-outs and interruptions; on a busy machine these get a second chance, alone. Where more than
/// this differ, it is not the machine.
const SECOND_CHANCES_MAX: usize = 12;

#[test]
fn the_aws_cli_s_recordings_are_met() {
    let suite = Suite::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/aws-cli"));
    let wanted = env::var("RECANT_CASES").unwrap_or_else(|_| "*".to_owned());
    let mut cases: Vec<&Case> = suite.named(&wanted).collect();
    assert!(!cases.is_empty(), "RECANT_CASES={wanted} names no cases");
    // Between attempts there are pauses: the longest cases go first, beside the others.
    cases.sort_by_key(|case| Reverse(case.expect.requests.len()));

    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("aws");
    symlink(RECANT, &program).unwrap();
    let authority = Authority::make(folder.path());
    let stage = Stage { suite: &suite, program: &program, authority: &authority };

    let mut verdicts = perform_all(&stage, &cases);
    let doubtful = verdicts.iter_mut().filter(|verdict| !is_as_known(verdict, &suite));
    for verdict in doubtful.take(SECOND_CHANCES_MAX) {
        *verdict = Verdict::of(verdict.case, &stage.perform(verdict.case), &suite);
    }
    say_how_exact(&verdicts);
    verdicts.retain(|verdict| !is_as_known(verdict, &suite));
    let report: String = verdicts.iter().map(|verdict| report(verdict, &suite)).collect();
    assert!(verdicts.is_empty(), "{} of {} cases differ:\n\n{report}", verdicts.len(), cases.len());
}

/// Performs and judges cases, some at once.
fn perform_all<'a>(stage: &Stage<'a>, cases: &[&'a Case]) -> Vec<Verdict<'a>> {
    let left = Mutex::new(cases.iter());
    let next = || left.lock().unwrap().next();
    let work = || {
        iter::from_fn(next)
            .map(|case| Verdict::of(case, &stage.perform(case), stage.suite))
            .collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

/// Says, past the harness, where standard error is worded otherwise: that is no fault, and good to know.
fn say_how_exact(verdicts: &[Verdict<'_>]) {
    let others: Vec<&str> = verdicts
        .iter()
        .filter(|verdict| !verdict.stderr_is_exact)
        .map(|verdict| verdict.case.name.as_str())
        .collect();
    let _ = writeln!(
        io::stderr(),
        "recorded: standard error is the same to the letter in all of {} cases but {others:?}",
        verdicts.len()
    );
}

/// Whether a case differs in just what the data says it does: mostly nothing.
fn is_as_known(verdict: &Verdict<'_>, suite: &Suite) -> bool {
    let differs: BTreeSet<Aspect> = verdict.differences.iter().map(|difference| difference.aspect).collect();
    match suite.known.get(&verdict.case.name) {
        Some(known) => known.differs == differs,
        None => differs.is_empty(),
    }
}

/// What is wrong with a case, and how to see it again.
fn report(verdict: &Verdict<'_>, suite: &Suite) -> String {
    let name = &verdict.case.name;
    let differences: Vec<&str> =
        verdict.differences.iter().map(|difference| difference.text.trim_end()).collect();
    let note = match (suite.known.contains_key(name), differences.is_empty()) {
        (true, true) => "no longer differs: take it out of known-differences.json\n",
        (true, false) => "differs in something else than known-differences.json says\n",
        _ => "",
    };
    let words: Vec<String> = verdict.case.args.iter().map(|word| quoted(word)).collect();
    format!(
        "---- {name} ({category}.json)\n{note}aws {words}\n{differences}\n\
         again: RECANT_CASES={name} cargo test -p recant --test it recorded\n\n",
        category = verdict.case.category,
        words = words.join(" "),
        differences = differences.join("\n"),
    )
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=/.:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
