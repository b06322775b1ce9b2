//! The state as rows of a screen.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::editor::Editor;
use crate::words;

/// How a piece of a row looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    /// What explains.
    Dim,
    /// What is chosen.
    Chosen,
    /// What the line cannot do without.
    Strong,
}

/// A row: pieces that follow one another, together no wider than the screen.
pub(super) type Row = Vec<(Style, String)>;

/// All rows, and where the cursor is in the first one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) rows: Vec<Row>,
    pub(super) cursor: usize,
}

/// At most so many candidates are shown at a time.
const CANDIDATES: usize = 8;
/// The command as it would run may take so many rows.
const PREVIEW: usize = 4;

const KEYS: &str = "Tab, arrows: choose   Enter: take, or run   F3: help   F5: sample result   Ctrl-C: leave";

/// The rows of an editor on a screen of this size.
pub(super) fn frame(editor: &Editor, columns: usize, rows: usize) -> Frame {
    // The last column is left free: a terminal may break the row when it is written to.
    let columns = columns.saturating_sub(1).max(1);
    let (input, cursor) = input(editor, columns);
    let mut preview = preview(editor, columns);
    // What does not fit is left out from below: the line itself is always there.
    let room = rows.saturating_sub(2 + preview.len());
    let mut all = vec![input];
    match &editor.panel {
        Some(panel) => {
            let shown = panel.lines.iter().skip(panel.at).take(room);
            all.extend(shown.map(|line| vec![(Style::Plain, cut(line, columns))]));
        }
        None => all.extend(menu(editor, columns, room.min(CANDIDATES))),
    }
    all.append(&mut preview);
    all.push(vec![(Style::Dim, cut(KEYS, columns))]);
    all.truncate(rows.max(1));
    Frame { rows: all, cursor }
}

/// The line with its program, scrolled so that the cursor is on the screen.
fn input(editor: &Editor, columns: usize) -> (Row, usize) {
    let lead = format!("> {} ", editor.program);
    let (before, after) = editor.text.split_at(editor.cursor);
    let room = columns.saturating_sub(lead.width());
    let mut begin = 0;
    while before[begin..].width() >= room.max(1) && begin < before.len() {
        begin += before[begin..].chars().next().map_or(1, char::len_utf8);
    }
    let before = &before[begin..];
    let cursor = lead.width() + before.width();
    let after = cut(after, columns.saturating_sub(cursor));
    (vec![(Style::Dim, cut(&lead, columns)), (Style::Plain, format!("{before}{after}"))], cursor.min(columns))
}

/// The candidates around the chosen one.
fn menu(editor: &Editor, columns: usize, rows: usize) -> Vec<Row> {
    let first = editor.chosen.map_or(0, |chosen| (chosen + 1).saturating_sub(rows));
    let shown: Vec<_> = editor.candidates.iter().enumerate().skip(first).take(rows).collect();
    let widest = shown.iter().map(|(_, candidate)| candidate.text.width()).max().unwrap_or(0);
    let name = widest.min(columns * 2 / 3);
    let mut all: Vec<Row> = shown
        .into_iter()
        .map(|(index, candidate)| {
            let style = match editor.chosen {
                Some(chosen) if chosen == index => Style::Chosen,
                _ if candidate.required => Style::Strong,
                _ => Style::Plain,
            };
            let text = cut(&candidate.text, name);
            let pad = " ".repeat(name.saturating_sub(text.width()));
            let about = candidate.about.lines().next().unwrap_or_default();
            let mark = if candidate.required { "required. " } else { "" };
            let about = cut(&format!("{mark}{about}"), columns.saturating_sub(name + 5));
            vec![(style, format!("  {text}{pad}")), (Style::Dim, format!("   {about}"))]
        })
        .collect();
    let hidden = editor.candidates.len().saturating_sub(first + all.len());
    if hidden > 0 && !all.is_empty() {
        all.push(vec![(Style::Dim, cut(&format!("  and {hidden} more"), columns))]);
    }
    all
}

/// The command as it would run, and what it still lacks.
fn preview(editor: &Editor, columns: usize) -> Vec<Row> {
    let state = match &editor.words {
        None => "a quote is open".to_owned(),
        Some(_) if !editor.missing.is_empty() => {
            let again = if editor.is_doubted { "; Enter again runs it as it is" } else { "" };
            format!("missing: {}{again}", editor.missing.join(", "))
        }
        Some(_) => "complete".to_owned(),
    };
    let words = editor.words.iter().flatten().map(|word| words::quoted(word));
    let line = std::iter::once(editor.program.clone()).chain(words).collect::<Vec<_>>().join(" ");
    let mut rows: Vec<Row> = vec![Vec::new()];
    rows.extend(folded(&line, columns).into_iter().take(PREVIEW).map(|row| vec![(Style::Plain, row)]));
    rows.push(vec![(Style::Dim, cut(&state, columns))]);
    rows
}

/// A text in rows of this width.
fn folded(text: &str, columns: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    let mut width = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if width + wide > columns {
            rows.push(String::new());
            width = 0;
        }
        width += wide;
        if let Some(row) = rows.last_mut() {
            row.push(c);
        }
    }
    rows
}

/// The beginning of a text that is no wider than this, without what would move the cursor.
fn cut(text: &str, columns: usize) -> String {
    let mut width = 0;
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take_while(|c| {
            width += c.width().unwrap_or(0);
            width <= columns
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::ScriptedEnvironment;

    fn editor(line: &str) -> Editor {
        let environment = ScriptedEnvironment::new([("HOME", "/nowhere")]);
        let mut editor = Editor::new("aws", std::iter::empty(), &environment);
        editor.press(super::super::editor::Key::Text(line.to_owned()), &environment);
        editor
    }

    fn texts(frame: &Frame) -> Vec<String> {
        frame.rows.iter().map(|row| row.iter().map(|(_, text)| text.as_str()).collect()).collect()
    }

    #[test]
    fn a_screen_shows_line_candidates_and_preview() {
        let frame = frame(&editor("cloudfront create-inv"), 100, 24);
        let rows = texts(&frame);
        assert_eq!(rows[0], "> aws cloudfront create-inv");
        assert_eq!(frame.cursor, rows[0].len());
        assert!(rows[1].starts_with("  create-invalidation "), "{rows:?}");
        assert!(rows[1].contains("   Invalidates paths of a distribution"), "{rows:?}");
        assert!(rows.contains(&"aws cloudfront create-inv".to_owned()), "{rows:?}");
        assert!(rows.contains(&"missing: an operation".to_owned()), "{rows:?}");
        assert_eq!(rows.last().map(String::as_str), Some(KEYS));
        let whole = self::frame(&editor("cloudfront get-distribution --id 'a b'"), 100, 24);
        assert!(texts(&whole).contains(&"complete".to_owned()));
        assert!(texts(&whole).contains(&"aws cloudfront get-distribution --id 'a b'".to_owned()));
    }

    #[test]
    fn nothing_is_wider_or_higher_than_the_screen() {
        for line in ["", "cloudfront ", "日本語日本語日本語日本語", "cloudfront create-distribution-tenant "]
        {
            for (columns, rows) in [(80, 24), (20, 6), (5, 2), (1, 1)] {
                let frame = frame(&editor(line), columns, rows);
                assert!(frame.rows.len() <= rows, "{line} {columns}x{rows}");
                for row in texts(&frame) {
                    assert!(row.width() <= columns.max(2), "{line} {columns}x{rows}: {row}");
                }
                assert!(frame.cursor <= columns, "{line}");
            }
        }
    }
}
