//! Columns of text.

use super::printable;
use anstyle::Style;

/// A cell: its text and how it looks.
pub struct Cell {
    text: String,
    style: Style,
    right: bool,
}

impl Cell {
    /// Text, left-aligned.
    pub fn text(text: impl Into<String>) -> Self {
        Cell::styled(text, Style::new())
    }

    /// Text in a style.
    pub fn styled(text: impl Into<String>, style: Style) -> Self {
        Cell { text: printable(&text.into()), style, right: false }
    }

    /// A number, right-aligned.
    pub fn number(number: Option<usize>) -> Self {
        let text = number.map_or_else(|| "?".into(), |number| number.to_string());
        Cell { text, style: Style::new(), right: true }
    }
}

/// Rows as lines, indented by two, columns padded to the same width.
pub fn render(rows: &[Vec<Cell>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.text.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line(row: &[Cell], widths: &[usize]) -> String {
    let mut line = String::new();
    let filled = row.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1);
    for (column, (cell, width)) in row[..filled].iter().zip(widths).enumerate() {
        let pad = " ".repeat(width - cell.text.chars().count());
        let (before, after) = if cell.right { (pad.as_str(), "") } else { ("", pad.as_str()) };
        // The last column needs no padding: lines have no trailing blanks.
        let after = if column + 1 == filled { "" } else { after };
        let Cell { text, style, .. } = cell;
        line += &format!("  {before}{style}{text}{style:#}{after}");
    }
    line + "\n"
}
