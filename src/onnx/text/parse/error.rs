//! Where a text is wrong, and why.

use bstr::ByteSlice;
use unicode_width::UnicodeWidthChar;

/// The longest part of a line that is shown.
const WINDOW: usize = 100;

/// Why a text is not a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What was expected and what was found instead.
    pub message: String,
    /// The line, or the part of it around the column.
    pub source_line: String,
    /// How many columns of a terminal `source_line` takes before that.
    caret: usize,
}

impl ParseError {
    pub(super) fn new(text: &[u8], at: usize, message: String) -> Self {
        let (before, after) = text.split_at(at.min(text.len()));
        let start = before.rfind_byte(b'\n').map_or(0, |newline| newline + 1);
        let column = before[start..].chars().count();
        let left: String = before[start..].chars().rev().take(WINDOW).map(visible).collect();
        let left: String = left.chars().rev().collect();
        let right = after.chars().take_while(|char| *char != '\n').take(WINDOW);
        let caret = left.chars().filter_map(UnicodeWidthChar::width).sum();
        let source_line = left.chars().chain(right.map(visible)).collect::<String>().trim_end().to_owned();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        ParseError { line, column: column + 1, message, source_line, caret }
    }

    /// The line with a caret below the column.
    pub fn snippet(&self) -> String {
        let number = self.line.to_string();
        let (margin, space) = (" ".repeat(number.len()), " ".repeat(self.caret));
        format!("{number} | {}\n{margin} | {space}^", self.source_line)
    }
}

/// Control characters would move the caret, or worse; so would what has no width, such as marks
/// that turn the direction of writing. Combining characters have none either: they can be seen in
/// the file.
fn visible(char: char) -> char {
    if char.width().is_none_or(|width| width == 0) { ' ' } else { char }
}
