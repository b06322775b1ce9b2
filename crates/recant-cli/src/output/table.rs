//! The table output: boxes for eyes, with the AWS CLI's own rules of width.
//!
//! A result becomes sections, each with a title, headers and rows ([`build`]); all sections get one width, and a table wider than the
//! terminal turns its one-row sections upright ([`render`]). Colours are those of the AWS CLI's library, which resets the colour after
//! every piece that it writes.

use recant_wire::document::{Document, Members};
use recant_wire::python;

use super::format::{Format, Pages};
use super::width::columns;
use crate::error::Error;

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "table",
    pages: Pages::Joined,
    print: |result, look| {
        // A pager's input does not pass through the library that resets colours.
        let resets = look.style.resets && !look.is_paged;
        match format(look.title, &result, Style { resets, ..look.style }) {
            Ok(text) => (text, Ok(())),
            Err(why) => (String::new(), Err(why)),
        }
    },
};

/// Blanks around a cell and its border.
const CELL_PADDING: usize = 4;
/// The borders of a section.
const BORDERS: usize = 2;

/// How a table may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// Whether to write colours.
    pub coloured: bool,
    /// Whether every piece is followed by a reset of the colours, as on a terminal.
    pub resets: bool,
    /// The columns that the terminal has.
    pub width_max: usize,
}

impl Style {
    /// A table that is no terminal's.
    pub(crate) const PLAIN: Self = Self { coloured: false, resets: false, width_max: 80 };
}

/// Draws a value under a title; a value that says nothing draws nothing.
///
/// # Errors
///
/// Nested lists that have no rows.
pub(crate) fn format(title: &str, value: &Document, style: Style) -> Result<String, Error> {
    let mut sections = Vec::new();
    if !build(&mut sections, Some(title), value, 0)? {
        return Ok(String::new());
    }
    Ok(render(sections, style))
}

/// One box.
#[derive(Debug, Default)]
struct Section {
    title: Option<String>,
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
    depth: usize,
    row_length: Option<usize>,
    widths: Vec<usize>,
}

impl Section {
    fn add_headers(&mut self, headers: Vec<String>) -> Result<(), Error> {
        self.widen(&headers)?;
        self.row_length.get_or_insert(headers.len());
        self.headers = headers;
        Ok(())
    }

    fn add_row(&mut self, row: Vec<String>) -> Result<(), Error> {
        let length = *self.row_length.get_or_insert(row.len());
        if row.len() != length {
            return Err(Error::general(format!(
                "Row should have {length} elements, instead it has {}",
                row.len()
            )));
        }
        self.widen(&row)?;
        self.rows.push(row);
        Ok(())
    }

    fn widen(&mut self, cells: &[String]) -> Result<(), Error> {
        if self.widths.is_empty() {
            self.widths = cells.iter().map(|cell| columns(cell)).collect();
            return Ok(());
        }
        if cells.len() > self.widths.len() {
            return Err(Error::general("list index out of range"));
        }
        for (width, cell) in self.widths.iter_mut().zip(cells) {
            *width = columns(cell).max(*width);
        }
        Ok(())
    }

    /// The width that this section needs.
    fn width(&self) -> usize {
        let outer = 2 * self.depth;
        let cells: usize = self.widths.iter().map(|width| width + CELL_PADDING).sum();
        // A section without a title counts as Python's `None`.
        let title = self.title.as_deref().map_or(4, columns);
        (title + BORDERS + outer).max(cells + BORDERS + outer)
    }

    /// The columns' widths when the section is stretched to a width.
    fn stretched(&self, width: usize) -> Vec<usize> {
        let natural: Vec<usize> = self.widths.iter().map(|width| width + CELL_PADDING).collect();
        let sum: usize = natural.iter().sum();
        if natural.is_empty() {
            return natural;
        }
        let factor = width as f64 / sum as f64;
        let mut scaled: Vec<usize> =
            natural.iter().map(|width| (factor * *width as f64).round_ties_even() as usize).collect();
        // What rounding left over is spread from the right, what it took too much from the left.
        let mut total: usize = scaled.iter().sum();
        while total < width {
            for cell in scaled.iter_mut().rev().take(width - total) {
                *cell += 1;
                total += 1;
            }
        }
        while total > width {
            for cell in scaled.iter_mut().take(total - width) {
                *cell -= 1;
                total -= 1;
            }
        }
        scaled
    }

    /// A section of one row, with a line for each of its headers.
    fn upright(self) -> Self {
        let [row] = self.rows.as_slice() else { return self };
        if self.headers.is_empty() {
            return self;
        }
        let mut turned = Self { title: self.title.clone(), depth: self.depth, ..Self::default() };
        for (header, cell) in self.headers.iter().zip(row) {
            turned.add_row(vec![header.clone(), cell.clone()]).expect("rows of two cells");
        }
        turned
    }
}

/// Whether Python would take the value for true.
fn says_something(value: &Document) -> bool {
    match value {
        Document::Null => false,
        Document::Boolean(flag) => *flag,
        Document::Integer(number) => *number != 0,
        Document::Float(number) => *number != 0.0,
        Document::String(text) => !text.is_empty(),
        Document::Blob(bytes) => !bytes.is_empty(),
        Document::List(values) => !values.is_empty(),
        Document::Structure(members) => !members.is_empty(),
        Document::BigInteger(_) | Document::Timestamp(_) => true,
    }
}

fn is_scalar(value: &Document) -> bool {
    !matches!(value, Document::List(_) | Document::Structure(_))
}

/// Adds the sections of a value; says whether there was anything to add.
fn build(
    sections: &mut Vec<Section>,
    title: Option<&str>,
    value: &Document,
    depth: usize,
) -> Result<bool, Error> {
    if !says_something(value) {
        return Ok(false);
    }
    if let Some(title) = title {
        sections.push(Section { title: Some(title.to_owned()), depth, ..Section::default() });
    }
    match value {
        Document::List(values) if matches!(values.first(), Some(Document::Structure(_))) => {
            build_structures(sections, title, values, depth)?;
        }
        Document::List(values) => {
            for value in values {
                build_row(sections, value)?;
            }
        }
        Document::Structure(members) => build_structure(sections, members, depth)?,
        _ => {}
    }
    Ok(true)
}

fn last(sections: &mut [Section]) -> &mut Section {
    sections.last_mut().expect("the first section has a title")
}

/// One element of a list that holds no structures in front.
fn build_row(sections: &mut Vec<Section>, value: &Document) -> Result<(), Error> {
    match value {
        Document::List(cells) if cells.iter().all(is_scalar) => {
            last(sections).add_row(cells.iter().map(super::text::cell).collect())
        }
        // Python walks over the keys of what is no list.
        Document::Structure(members) => {
            last(sections).add_row(members.iter().map(|(key, _)| key.to_owned()).collect())
        }
        Document::List(_) => build(sections, None, value, 0).map(|_| ()),
        scalar => last(sections).add_row(vec![super::text::cell(scalar)]),
    }
}

fn build_structure(sections: &mut Vec<Section>, members: &Members, depth: usize) -> Result<(), Error> {
    let (scalars, nested) = sorted_keys([members].into_iter());
    let cells = || scalars.iter().map(|key| cell(members, key)).collect::<Vec<_>>();
    match scalars.as_slice() {
        [] => {}
        [key] => last(sections).add_row(vec![(*key).to_owned(), cell(members, key)])?,
        _ => {
            let cells = cells();
            last(sections).add_headers(scalars.iter().map(|key| (*key).to_owned()).collect())?;
            last(sections).add_row(cells)?;
        }
    }
    for key in nested {
        build(sections, Some(key), members.get(key).expect("a key of these members"), depth + 1)?;
    }
    Ok(())
}

fn build_structures(
    sections: &mut Vec<Section>,
    title: Option<&str>,
    values: &[Document],
    depth: usize,
) -> Result<(), Error> {
    let all: Option<Vec<&Members>> = values.iter().map(Document::as_structure).collect();
    let all = all.ok_or_else(|| Error::general("a table cannot hold structures beside other values"))?;
    let (scalars, nested) = sorted_keys(all.iter().copied());
    let headers: Vec<String> = scalars.iter().map(|key| (*key).to_owned()).collect();
    last(sections).add_headers(headers.clone())?;
    for (index, members) in all.into_iter().enumerate() {
        if index > 0 && !nested.is_empty() {
            sections.push(Section { title: title.map(str::to_owned), depth, ..Section::default() });
            last(sections).add_headers(headers.clone())?;
        }
        last(sections).add_row(scalars.iter().map(|key| cell(members, key)).collect())?;
        for key in &nested {
            if let Some(value) = members.get(key) {
                build(sections, Some(key), value, depth + 1)?;
            }
        }
    }
    Ok(())
}

/// The keys of scalars and of everything else, each sorted; a key may be among both.
fn sorted_keys<'a>(all: impl Iterator<Item = &'a Members>) -> (Vec<&'a str>, Vec<&'a str>) {
    let (mut scalars, mut nested) = (Vec::new(), Vec::new());
    for (key, value) in all.flat_map(Members::iter) {
        if is_scalar(value) { &mut scalars } else { &mut nested }.push(key);
    }
    for keys in [&mut scalars, &mut nested] {
        keys.sort_unstable();
        keys.dedup();
    }
    (scalars, nested)
}

fn cell(members: &Members, key: &str) -> String {
    match members.get(key) {
        None => String::new(),
        Some(value) if is_scalar(value) => super::text::cell(value),
        Some(nested) => python::repr(nested),
    }
}

fn render(mut sections: Vec<Section>, style: Style) -> String {
    let widest = |sections: &[Section]| sections.iter().map(Section::width).max().unwrap_or(0);
    if widest(&sections) > style.width_max {
        sections = sections.into_iter().map(Section::upright).collect();
    }
    let width = widest(&sections);
    let mut canvas = Canvas { out: String::new(), coloured: style.coloured, resets: style.resets };
    canvas.put(&format!("{}\n", "-".repeat(width)));
    for section in &sections {
        canvas.section(section, width - 2 * section.depth);
    }
    canvas.out
}

/// Where lines are drawn.
struct Canvas {
    out: String,
    coloured: bool,
    resets: bool,
}

impl Canvas {
    /// Writes one piece; the library resets the colours after each.
    fn put(&mut self, piece: &str) {
        self.out.push_str(piece);
        if self.resets {
            self.out.push_str("\u{1b}[0m");
        }
    }

    fn line(&mut self, depth: usize, text: &str) {
        let border = if self.coloured { "\u{1b}[2m\u{1b}[33m|\u{1b}[0m" } else { "|" }.repeat(depth);
        self.put(&border);
        self.put(text);
        self.put(&border);
        self.put("\n");
    }

    fn section(&mut self, section: &Section, width: usize) {
        let depth = section.depth;
        if let Some(title) = section.title.as_deref().filter(|title| !title.is_empty()) {
            self.line(depth, &centred(title, width, "|"));
            if section.headers.is_empty() && section.rows.is_empty() {
                self.line(depth, &format!("+{}+", "-".repeat(width.saturating_sub(BORDERS))));
            }
        }
        let widths = section.stretched(width);
        if widths.is_empty() {
            return;
        }
        let rule: String = widths
            .iter()
            .enumerate()
            .map(|(index, width)| match index {
                0 => format!("+{}+", "-".repeat(width.saturating_sub(2))),
                _ => format!("{}+", "-".repeat(width.saturating_sub(1))),
            })
            .collect();
        let left = |index: usize| if index == 0 { "|" } else { "" };
        if !section.headers.is_empty() {
            self.line(depth, &rule);
            let cells: String = widths
                .iter()
                .zip(&section.headers)
                .enumerate()
                .map(|(index, (width, header))| centred(header, *width, left(index)))
                .collect();
            self.line(depth, &cells);
        }
        if section.rows.is_empty() {
            return;
        }
        self.line(depth, &rule);
        for row in &section.rows {
            let cells: String = widths
                .iter()
                .zip(row)
                .enumerate()
                .map(|(index, (width, cell))| self.left_aligned(cell, *width, left(index)))
                .collect();
            self.line(depth, &cells);
        }
        self.line(depth, &rule);
    }

    fn left_aligned(&self, text: &str, width: usize, left: &str) -> String {
        let length = columns(text);
        let padding = if length + 2 + left.len() < width { 2 } else { 0 };
        let rest = width.saturating_sub(left.len() + padding + length + 1);
        let shown =
            if self.coloured { format!("\u{1b}[1m\u{1b}[34m{text}\u{1b}[0m") } else { text.to_owned() };
        format!("{left}{}{shown}{}|", " ".repeat(padding), " ".repeat(rest))
    }
}

fn centred(text: &str, width: usize, left: &str) -> String {
    let length = columns(text);
    let start = (width / 2).saturating_sub(length / 2 + 1);
    let rest = width.saturating_sub(left.len() + start + length + 1);
    format!("{left}{}{text}{}|", " ".repeat(start), " ".repeat(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, style: Style, want: &str) {
        let value = crate::input::json::parse(text).expect("JSON");
        assert_eq!(format("Op", &value, style).expect("a table"), want, "{text}");
    }

    const PLAIN: Style = Style::PLAIN;

    #[test]
    fn values_become_boxes() {
        check("{}", PLAIN, "");
        check("null", PLAIN, "");
        check("true", PLAIN, "----\n|Op|\n+--+\n");
        check("{\"a\": 1}", PLAIN, "------------\n|    Op    |\n+----+-----+\n|  a |  1  |\n+----+-----+\n");
        check(
            "{\"a\": \"x\", \"b\": [\"y\"]}",
            PLAIN,
            "------------\n|    Op    |\n+----+-----+\n|  a |  x  |\n+----+-----+\n||    b   ||\n|+--------+|\n||  y     ||\n|+--------+|\n",
        );
    }

    #[test]
    fn a_narrow_terminal_turns_rows_upright() {
        let style = Style { width_max: 5, ..PLAIN };
        check(
            "{\"a\": 1, \"b\": 2}",
            style,
            "------------\n|    Op    |\n+----+-----+\n|  a |  1  |\n|  b |  2  |\n+----+-----+\n",
        );
    }

    #[test]
    fn rows_of_different_lengths_are_refused() {
        let value = crate::input::json::parse("[[1, 2], [3]]").expect("JSON");
        let why = format("Op", &value, PLAIN).expect_err("two lengths");
        assert_eq!(why.to_string(), "Row should have 2 elements, instead it has 1");
    }
}
