//! How far a run is, on standard error while it lasts: a bar that is redrawn in place on a terminal, plain lines elsewhere.
//!
//! Lines come when something else is being done, and after 1, 2, 4, … seconds, at most a minute, so that a log stays short and still shows
//! life. A run that is over at once says nothing. A terminal that is `dumb` gets lines; colours are those of `--color` and `NO_COLOR`.

use std::time::Duration;

use super::batch::counted;
use super::say;
use super::schedule::{Phase, Schedule};
use super::tenant::Tally;
use crate::environment::Environment;

/// Pause between two pictures of the bar.
const REDRAW: Duration = Duration::from_millis(100);
/// What is over sooner needs no bar.
const BAR_AFTER: Duration = Duration::from_millis(300);
/// Where there is no bar the clock is looked at this often.
const TICK: Duration = Duration::from_secs(60);
/// The first pause between two lines.
const LINE_PAUSE_MIN: Duration = Duration::from_secs(1);
/// The longest pause between two lines.
const LINE_PAUSE_MAX: Duration = Duration::from_secs(60);
/// Characters of the bar itself.
const BAR_CHARS: usize = 24;
/// Goes back to the start of the line and clears it.
pub(super) const CLEAR: &str = "\r\x1b[K";

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Bar { columns: usize, is_coloured: bool },
    Lines,
}

/// What a run has shown of itself.
#[derive(Debug)]
pub(super) struct Progress {
    style: Style,
    /// How to go on after an interrupt.
    how_to_go_on: String,
    began: Duration,
    phase: Phase,
    phase_began: Duration,
    /// When the bar is drawn, or the next line written.
    next: Duration,
    pause: Duration,
    is_drawn: bool,
}

impl Progress {
    /// Begins now. `color` is `--color`.
    pub(super) fn begin(
        environment: &mut dyn Environment,
        phase: Phase,
        color: Option<&str>,
        how_to_go_on: String,
    ) -> Self {
        let is_dumb = environment.var("TERM").is_some_and(|term| term == "dumb");
        let is_coloured = match color {
            Some("on") => true,
            Some("off") => false,
            _ => environment.var_non_empty("NO_COLOR").is_none(),
        };
        let style = match environment.stderr_columns().filter(|columns| *columns > 0 && !is_dumb) {
            Some(columns) => Style::Bar { columns: columns.into(), is_coloured },
            None => Style::Lines,
        };
        let now = environment.monotonic();
        let next = now + if style == Style::Lines { LINE_PAUSE_MIN } else { BAR_AFTER };
        Self {
            style,
            how_to_go_on,
            began: now,
            phase,
            phase_began: now,
            next,
            pause: LINE_PAUSE_MIN,
            is_drawn: false,
        }
    }

    /// How long may pass until it wants to show something.
    pub(super) fn tick(&self) -> Duration {
        if self.style == Style::Lines { TICK } else { REDRAW }
    }

    /// Shows how far it is, if it is time for that.
    pub(super) fn show(&mut self, environment: &mut dyn Environment, schedule: &Schedule, now: Duration) {
        let (phase, tally) = (schedule.phase(), schedule.tally());
        if std::mem::discriminant(&phase) != std::mem::discriminant(&self.phase) {
            self.enter(environment, phase, tally, now);
        }
        if now < self.next {
            return;
        }
        match self.style {
            Style::Bar { columns, is_coloured } => {
                self.is_drawn = true;
                self.arm(environment, tally);
                let line = bar(self.phase, tally, now, self.phase_began, (columns, is_coloured));
                let _ = environment.stderr().write_all(format!("{CLEAR}{line}").as_bytes());
                let _ = environment.stderr().flush();
                self.next = now + REDRAW;
            }
            Style::Lines => {
                let elapsed = clock(now.saturating_sub(self.began));
                say(environment, &format!("{}, after {elapsed}", state(self.phase, tally)));
                self.pause = (self.pause * 2).min(LINE_PAUSE_MAX);
                self.next = now + self.pause;
            }
        }
    }

    /// Says something in between.
    pub(super) fn say(&mut self, environment: &mut dyn Environment, text: &str) {
        self.clear(environment);
        say(environment, text);
    }

    /// Takes the bar away.
    pub(super) fn finish(&mut self, environment: &mut dyn Environment, schedule: &Schedule) {
        self.clear(environment);
        self.arm(environment, schedule.tally());
    }

    /// What an interrupt will say.
    pub(super) fn arm(&self, environment: &mut dyn Environment, tally: &Tally) {
        if self.phase == Phase::Counting {
            return;
        }
        let clear = if self.is_drawn { CLEAR } else { "" };
        let state = state(self.phase, tally);
        let how_to_go_on = &self.how_to_go_on;
        environment.say_on_interrupt(format!(
            "{clear}recant invalidate: interrupted: {state}\nrecant invalidate: {how_to_go_on}\n"
        ));
    }

    fn enter(&mut self, environment: &mut dyn Environment, phase: Phase, tally: &Tally, now: Duration) {
        self.clear(environment);
        (self.phase, self.phase_began, self.pause) = (phase, now, LINE_PAUSE_MIN);
        self.arm(environment, tally);
        if let (Phase::Waiting { deadline }, Style::Lines) = (phase, self.style) {
            let seconds = deadline.saturating_sub(now).as_secs();
            let left = tally.created.saturating_sub(tally.completed);
            say(environment, &format!("waiting for {}, at most {seconds} s", counted(left, "invalidation")));
            self.next = now + LINE_PAUSE_MIN;
        }
    }

    fn clear(&mut self, environment: &mut dyn Environment) {
        if std::mem::take(&mut self.is_drawn) {
            let _ = environment.stderr().write_all(CLEAR.as_bytes());
            let _ = environment.stderr().flush();
        }
    }
}

/// How many of how many.
fn done(phase: Phase, tally: &Tally) -> (usize, usize, &'static str) {
    match phase {
        Phase::Counting => (tally.counted, tally.tenants, "counted"),
        Phase::Creating => (tally.created, tally.tenants, "created"),
        Phase::Waiting { .. } => (tally.completed, tally.created, "completed"),
    }
}

/// How far it is, in words.
fn state(phase: Phase, tally: &Tally) -> String {
    let (done, all, what) = done(phase, tally);
    let mut state = match (phase, done) {
        _ if tally.tenants != 1 => format!("{done} of {all} {what}"),
        (Phase::Waiting { .. }, 0) => "InProgress".to_owned(),
        (_, 0) => format!("not {what} yet"),
        _ => what.to_owned(),
    };
    if tally.failed > 0 {
        state.push_str(&format!(", {} failed", tally.failed));
    }
    if let Some(why) = &tally.held_up {
        state.push_str(&format!(", held up by {why}"));
    }
    state
}

/// Minutes and seconds, or hours too.
fn clock(time: Duration) -> String {
    let (minutes, seconds) = (time.as_secs() / 60, time.as_secs() % 60);
    match minutes / 60 {
        0 => format!("{minutes:02}:{seconds:02}"),
        hours => format!("{hours}:{:02}:{seconds:02}", minutes % 60),
    }
}

/// One picture of the bar, shorter than the terminal is wide.
fn bar(
    phase: Phase,
    tally: &Tally,
    now: Duration,
    began: Duration,
    (columns, is_coloured): (usize, bool),
) -> String {
    let (done, all, _) = done(phase, tally);
    let elapsed = now.saturating_sub(began);
    let mut text = format!("{}, {}", state(phase, tally), clock(elapsed));
    if let Phase::Waiting { deadline } = phase {
        text.push_str(&format!(" of {}", clock(deadline.saturating_sub(began))));
    }
    if all > 1 && elapsed >= LINE_PAUSE_MIN {
        text.push_str(&format!(", {:.0}/s", done as f64 / elapsed.as_secs_f64()));
    }
    let room = columns.saturating_sub(1);
    if room < text.chars().count() + BAR_CHARS + 3 {
        return text.chars().take(room).collect();
    }
    // One invalidation is InProgress or Completed and nothing in between: what can be shown is the time.
    let filled = match phase {
        Phase::Waiting { deadline } if tally.tenants == 1 => {
            let limit = deadline.saturating_sub(began).as_secs_f64().max(1.0);
            (BAR_CHARS as f64 * elapsed.as_secs_f64() / limit) as usize
        }
        _ => (BAR_CHARS * done).checked_div(all).unwrap_or(BAR_CHARS),
    };
    let filled = filled.min(BAR_CHARS);
    let (on, off) = if is_coloured { ("\x1b[32m", "\x1b[0m") } else { ("", "") };
    format!("[{on}{}{off}{}] {text}", "#".repeat(filled), "-".repeat(BAR_CHARS - filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_bar_fits_the_terminal() {
        let tally = Tally { tenants: 8, created: 2, failed: 1, ..Tally::default() };
        let check = |columns: usize, coloured: bool, want: &str| {
            let got = bar(Phase::Creating, &tally, seconds(7), seconds(5), (columns, coloured));
            assert_eq!(got, want, "{columns}");
        };
        check(80, false, "[######------------------] 2 of 8 created, 1 failed, 00:02, 1/s");
        check(80, true, "[\x1b[32m######\x1b[0m------------------] 2 of 8 created, 1 failed, 00:02, 1/s");
        check(40, false, "2 of 8 created, 1 failed, 00:02, 1/s");
        check(9, false, "2 of 8 c");
        check(0, false, "");
    }

    #[test]
    fn of_one_invalidation_the_time_is_shown() {
        let held_up = Some("Throttling".to_owned());
        let tally = Tally { tenants: 1, created: 1, held_up, ..Tally::default() };
        let phase = Phase::Waiting { deadline: seconds(4_000) };
        let got = bar(phase, &tally, seconds(3_700), seconds(0), (200, false));
        let text = "InProgress, held up by Throttling, 1:01:40 of 1:06:40";
        assert_eq!(got, format!("[######################--] {text}"));
        let late = bar(phase, &tally, seconds(5_000), seconds(0), (200, false));
        assert!(late.starts_with("[########################] InProgress"), "{late}");
        assert_eq!(state(Phase::Creating, &Tally { tenants: 1, ..Tally::default() }), "not created yet");
    }
}
