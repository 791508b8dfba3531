//! What refusals mean, below a table.

use crate::refusal::{Explanation, Refusal};
use anstyle::Style;

/// How long a line may be.
const WIDTH: usize = 100;

/// Why, and what to do, once for each code, in the order in which they occur.
pub fn render(refusals: &[&Refusal], style: Style) -> String {
    let mut seen = Vec::new();
    let mut text = String::new();
    for Refusal { code, explanation, .. } in refusals {
        let Some(Explanation { why, remedy, .. }) = explanation else { continue };
        if !seen.contains(code) {
            seen.push(*code);
            text += &format!("{style}{code}{style:#}\n");
            text += &paragraph("  why         ", why);
            text += &paragraph("  what to do  ", remedy);
        }
    }
    text
}

/// Words in lines of at most [`WIDTH`] characters, all but the first below `head`.
fn paragraph(head: &str, words: &str) -> String {
    let mut lines = vec![head.trim_end().to_owned()];
    let mut column = head.len();
    let indent = head.len();
    for word in words.split_whitespace() {
        let (length, pad) = (word.chars().count(), column - lines.last().map_or(0, |line| line.chars().count()));
        if column + length > WIDTH && column > indent {
            lines.push(" ".repeat(indent) + word);
            column = indent + length + 1;
        } else if let Some(line) = lines.last_mut() {
            *line += &(" ".repeat(pad) + word);
            column += length + 1;
        }
    }
    lines.join("\n") + "\n"
}
