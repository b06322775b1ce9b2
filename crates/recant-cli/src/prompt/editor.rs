//! The state of the line, and what a key does to it.

use crate::command::Topic;
use crate::complete::{self, Candidate, typed};
use crate::environment::Environment;
use crate::output::json;
use crate::{help, skeleton, words};

/// A key that means something here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A character, or several that were pasted.
    Text(String),
    Enter,
    Tab,
    BackTab,
    Up,
    Down,
    PageUp,
    PageDown,
    Left,
    Right,
    Home,
    End,
    Backspace,
    Delete,
    /// Ctrl-W.
    DeleteWord,
    /// Ctrl-U.
    DeleteBefore,
    /// Ctrl-K.
    DeleteAfter,
    /// F3.
    Help,
    /// F5.
    Sample,
    Escape,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D.
    EndOfInput,
    /// The screen has another size now, or the key means nothing.
    Other,
}

/// What comes of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The line is still being written.
    Go,
    /// It is to be run.
    Run(Vec<String>),
    /// It is given up.
    Leave,
}

/// The line being written.
#[derive(Debug)]
pub(super) struct Editor {
    /// The program's name, which the line begins with.
    pub(super) program: String,
    /// The text after it.
    pub(super) text: String,
    /// Where the cursor is in the text, in bytes.
    pub(super) cursor: usize,
    /// What could stand at the cursor.
    pub(super) candidates: Vec<Candidate>,
    /// Which of them is chosen.
    pub(super) chosen: Option<usize>,
    /// What the line must still have.
    pub(super) missing: Vec<String>,
    /// The words as they stand; none while a quote is open.
    pub(super) words: Option<Vec<String>>,
    /// Whether it was to be run although something is missing. Once more, and it is.
    pub(super) is_doubted: bool,
    /// What is shown instead of the candidates.
    pub(super) panel: Option<Panel>,
}

/// A text about the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Panel {
    about: About,
    pub(super) lines: Vec<String>,
    /// How many lines are scrolled past.
    pub(super) at: usize,
}

/// What a panel shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// The page of help.
    Help,
    /// A result as it might look.
    Sample,
}

/// How far a page key scrolls.
const PAGE: usize = 10;

impl Editor {
    /// A line that begins with these words.
    pub(super) fn new<'w>(
        program: &str,
        begun: impl Iterator<Item = &'w String>,
        environment: &dyn Environment,
    ) -> Self {
        let text: String = begun.map(|word| words::quoted(word) + " ").collect();
        let mut editor = Self {
            program: program.to_owned(),
            cursor: text.len(),
            text,
            candidates: Vec::new(),
            chosen: None,
            missing: Vec::new(),
            words: None,
            is_doubted: false,
            panel: None,
        };
        editor.look(environment);
        editor
    }

    /// Does what a key means.
    pub(super) fn press(&mut self, key: Key, environment: &dyn Environment) -> Step {
        match key {
            Key::Interrupt => return Step::Leave,
            Key::EndOfInput if self.text.is_empty() => return Step::Leave,
            Key::Enter => match (self.chosen, &self.words) {
                (Some(chosen), _) => self.accept(chosen, environment),
                (None, Some(words)) if !words.is_empty() => {
                    if self.missing.is_empty() || self.is_doubted {
                        return Step::Run(words.clone());
                    }
                    self.is_doubted = true;
                }
                (None, _) => {}
            },
            Key::Tab | Key::BackTab => self.tab(key == Key::Tab, environment),
            Key::Down => self.choose(1),
            Key::Up => self.choose(-1),
            Key::PageDown => self.scroll(|at| at + PAGE),
            Key::PageUp => self.scroll(|at| at.saturating_sub(PAGE)),
            Key::Help => self.toggle(About::Help),
            Key::Sample => self.toggle(About::Sample),
            Key::Escape => (self.chosen, self.panel) = (None, None),
            Key::Left => self.move_to(self.before(), environment),
            Key::Right => self.move_to(self.after(), environment),
            Key::Home => self.move_to(0, environment),
            Key::End => self.move_to(self.text.len(), environment),
            Key::Text(text) => self.insert(&text, environment),
            Key::Backspace => self.replace(self.before(), self.cursor, "", environment),
            Key::Delete | Key::EndOfInput => self.replace(self.cursor, self.after(), "", environment),
            Key::DeleteWord => {
                let kept = self.text[..self.cursor].trim_end();
                let begin = kept.rfind(char::is_whitespace).map_or(0, |at| at + 1);
                self.replace(begin, self.cursor, "", environment);
            }
            Key::DeleteBefore => self.replace(0, self.cursor, "", environment),
            Key::DeleteAfter => self.replace(self.cursor, self.text.len(), "", environment),
            Key::Other => {}
        }
        Step::Go
    }

    /// Writes at the cursor. Whoever goes on after choosing has taken what is chosen.
    fn insert(&mut self, text: &str, environment: &dyn Environment) {
        // What is pasted is one line.
        let mut text = text.replace(['\r', '\n'], " ");
        if let Some(chosen) = self.chosen {
            self.accept(chosen, environment);
            if self.text[..self.cursor].ends_with(' ') {
                text = text.trim_start().to_owned();
            }
        }
        self.replace(self.cursor, self.cursor, &text, environment);
    }

    /// Puts a text in the place of a part of the line, and the cursor behind it.
    fn replace(&mut self, from: usize, to: usize, text: &str, environment: &dyn Environment) {
        self.text.replace_range(from..to, text);
        self.cursor = from + text.len();
        self.look(environment);
    }

    fn move_to(&mut self, cursor: usize, environment: &dyn Environment) {
        self.cursor = cursor;
        self.look(environment);
    }

    /// Looks at the line as it is now.
    fn look(&mut self, environment: &dyn Environment) {
        let typed = typed::read(&self.text[..self.cursor]);
        self.candidates = complete::candidates(environment, &typed.words, &typed.current);
        (self.chosen, self.is_doubted) = (None, false);
        self.words = words::split(&self.text).ok();
        let at_end = self.cursor == self.text.len();
        let words = self.words.as_deref().filter(|_| self.is_whole(&typed.current) || !at_end);
        self.missing = complete::missing(words.unwrap_or(&typed.words));
        if let Some(panel) = &self.panel {
            self.panel = Some(self.panel_about(panel.about));
        }
    }

    /// Whether the word at the cursor is one already: what is half typed is none yet.
    fn is_whole(&self, current: &str) -> bool {
        self.candidates.is_empty() || self.candidates.iter().any(|it| it.text == current)
    }

    /// The first candidate is chosen by one key, and the only one is taken by it.
    fn tab(&mut self, forward: bool, environment: &dyn Environment) {
        if self.candidates.len() == 1 {
            self.accept(0, environment);
        } else {
            self.choose(if forward { 1 } else { -1 });
        }
    }

    fn choose(&mut self, by: isize) {
        let count = self.candidates.len();
        if count == 0 {
            return;
        }
        let last = count - 1;
        self.chosen = match (self.chosen, by > 0) {
            (None, true) => Some(0),
            (None, false) => Some(last),
            (Some(at), true) => (at < last).then_some(at + 1),
            (Some(at), false) => at.checked_sub(1),
        };
    }

    /// Puts a candidate in the place of the word at the cursor.
    fn accept(&mut self, chosen: usize, environment: &dyn Environment) {
        let Some(candidate) = self.candidates.get(chosen) else { return };
        let begin = typed::read(&self.text[..self.cursor]).begin;
        let mut word = typed::escaped(&candidate.text);
        let is_followed = self.text[self.cursor..].starts_with(' ');
        if !candidate.open && !is_followed {
            word.push(' ');
        }
        let is_open = candidate.open;
        self.replace(begin, self.cursor, &word, environment);
        if !is_open && is_followed {
            self.move_to(self.cursor + 1, environment);
        }
    }

    fn toggle(&mut self, about: About) {
        self.panel = match &self.panel {
            Some(panel) if panel.about == about => None,
            _ => Some(self.panel_about(about)),
        };
    }

    fn panel_about(&self, about: About) -> Panel {
        let typed = typed::read(&self.text[..self.cursor]);
        let mut words = typed.words;
        if !typed.current.is_empty() && self.is_whole(&typed.current) {
            words.push(typed.current);
        }
        let topic = complete::topic(&words);
        let text = match (about, topic) {
            (About::Help, topic) => help::text(topic),
            (About::Sample, Topic::Operation(operation)) => json::pretty(&skeleton::result(operation)),
            (About::Sample, _) => "Only an operation has a result.".to_owned(),
        };
        Panel { about, lines: text.lines().map(str::to_owned).collect(), at: 0 }
    }

    fn scroll(&mut self, to: impl Fn(usize) -> usize) {
        if let Some(panel) = &mut self.panel {
            panel.at = to(panel.at).min(panel.lines.len().saturating_sub(1));
        }
    }

    /// Where the character before the cursor begins.
    fn before(&self) -> usize {
        self.text[..self.cursor].char_indices().next_back().map_or(0, |(at, _)| at)
    }

    /// Where the character at the cursor ends.
    fn after(&self) -> usize {
        self.text[self.cursor..].chars().next().map_or(self.cursor, |c| self.cursor + c.len_utf8())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::ScriptedEnvironment;

    /// Types a text, in which some signs stand for keys.
    fn typed(begun: &[&str], keys: &str) -> (Editor, Step) {
        let environment = ScriptedEnvironment::new([("HOME", "/nowhere")]);
        let begun: Vec<String> = begun.iter().map(|word| (*word).to_owned()).collect();
        let mut editor = Editor::new("aws", begun.iter(), &environment);
        let mut step = Step::Go;
        for c in keys.chars() {
            let key = match c {
                '→' => Key::Tab,
                '↓' => Key::Down,
                '↑' => Key::Up,
                '←' => Key::Left,
                '⌫' => Key::Backspace,
                '⏎' => Key::Enter,
                '⎋' => Key::Escape,
                '␃' => Key::Interrupt,
                '␄' => Key::EndOfInput,
                'Ω' => Key::DeleteWord,
                c => Key::Text(c.to_string()),
            };
            step = editor.press(key, &environment);
        }
        (editor, step)
    }

    #[test]
    fn keys_write_a_line() {
        let check = |begun: &[&str], keys: &str, expected: &str| {
            let (editor, _) = typed(begun, keys);
            let shown = format!("{}|{}", &editor.text[..editor.cursor], &editor.text[editor.cursor..]);
            assert_eq!(shown, expected, "{keys}");
        };
        check(&[], "clou→", "cloudfront |");
        check(
            &["cloudfront"],
            "get-distribution-tenant-b→",
            "cloudfront get-distribution-tenant-by-domain |",
        );
        check(&["cloudfront"], "create-inv↓↓⏎", "cloudfront create-invalidation-for-distribution-tenant |");
        check(
            &["cloudfront", "list-distributions"],
            "--outp→t↓⏎",
            "cloudfront list-distributions --output text |",
        );
        check(&["cloudfront", "get-distribution"], "--i→E1", "cloudfront get-distribution --id E1|");
        check(&["cloudfront", "get-distribution"], "--i→ E1", "cloudfront get-distribution --id E1|");
        check(&[], "abc←←⌫", "|bc");
        check(&[], "é←x", "x|é");
        check(&["a b"], "", "'a b' |");
        check(&["cloudfront", "get-distribution"], "Ω", "cloudfront |");
        check(&[], "→↑⎋", "|");
    }

    #[test]
    fn enter_takes_what_is_chosen_and_runs_what_is_not() {
        let words = |line: &str| Step::Run(line.split(' ').map(str::to_owned).collect());
        let check = |keys: &str, expected: Step| assert_eq!(typed(&[], keys).1, expected, "{keys}");
        check("cloudfront list-distributions⏎", words("cloudfront list-distributions"));
        check("clou→list-distributions⏎", words("cloudfront list-distributions"));
        check("cloudfront get↓⏎", Step::Go);
        check("cloudfront get-dis⏎", Step::Go);
        check("cloudfront get-distribution⏎", Step::Go);
        check("cloudfront get-distribution⏎⏎", words("cloudfront get-distribution"));
        check("cloudfront get-distribution⏎ ⏎", Step::Go);
        check("cloudfront 'open⏎", Step::Go);
        check("⏎", Step::Go);
        check("x␃", Step::Leave);
        check("␄", Step::Leave);
        check("x␄", Step::Go);
    }

    #[test]
    fn what_is_missing_is_known() {
        let (editor, _) = typed(&["cloudfront", "create-invalidation-for-distribution-tenant"], "--id x ");
        assert_eq!(editor.missing, ["--invalidation-batch"]);
        assert_eq!(typed(&["cloudfront"], "create-inv").0.missing, ["an operation"]);
        assert_eq!(typed(&["cloudfront"], "list-distributions").0.missing, [""; 0]);
    }

    #[test]
    fn panels_are_about_the_line() {
        let environment = ScriptedEnvironment::new([("HOME", "/nowhere")]);
        let (mut editor, _) = typed(&["cloudfront", "get-distribution"], "");
        editor.press(Key::Help, &environment);
        let shows = |editor: &Editor, text: &str| {
            let panel = editor.panel.as_ref().expect("shown");
            assert!(panel.lines.iter().any(|line| line.contains(text)), "{panel:?}");
        };
        shows(&editor, "get-distribution -");
        editor.press(Key::PageDown, &environment);
        assert_eq!(editor.panel.as_ref().expect("shown").at, PAGE);
        editor.press(Key::Sample, &environment);
        shows(&editor, "\"ETag\": \"ETag\"");
        editor.press(Key::Sample, &environment);
        assert_eq!(editor.panel, None);

        let (mut editor, _) = typed(&["cloudfront"], "create-inv");
        editor.press(Key::Help, &environment);
        shows(&editor, "create-invalidation-for-distribution-tenant");
    }
}
