//! Names, values and numbers in a line.

use super::Paint;
use crate::diff::report::{Change, Difference};

/// Values of attributes and fields are cut to so many characters.
const LONGEST: usize = 60;
/// So many characters stand before the first that differs, where values are cut.
const LEAD: usize = 12;

/// A name, in quotes only where it could be misread.
pub fn name(name: &str) -> String {
    let special = |char: char| char.is_whitespace() || char.is_control() || "\"(),{}<>→⇒".contains(char);
    let sign = name.starts_with(['+', '-', '~']);
    if !name.is_empty() && !sign && !name.contains(special) {
        return name.to_owned();
    }
    let escape = |char: char| match char {
        '"' | '\\' => format!("\\{char}"),
        _ if char.is_control() => char.escape_default().to_string(),
        _ => char.to_string(),
    };
    format!("\"{}\"", name.chars().map(escape).collect::<String>())
}

/// The text of a value on one line, cut if it is long.
pub fn clip(text: &str) -> String {
    crate::report::printable(&window(text, 0))
}

/// A string of the model, cut if it is long; in quotes where it could be misread.
pub fn string(text: &str) -> String {
    name(&window(text, 0))
}

/// Two values side by side; of long ones the part where they begin to differ.
pub fn clip_both(before: &str, after: &str) -> (String, String) {
    let same = before.chars().zip(after.chars()).take_while(|(a, b)| a == b).count();
    let is_long = before.chars().count().max(after.chars().count()) > LONGEST;
    let start = if is_long && same > LONGEST - LEAD { same - LEAD } else { 0 };
    (window(before, start), window(after, start))
}

fn window(text: &str, start: usize) -> String {
    let shown: String = text.chars().skip(start).take(LONGEST).collect();
    let lead = if start > 0 { "…" } else { "" };
    let more = if text.chars().nth(start + LONGEST).is_some() { "…" } else { "" };
    format!("{lead}{shown}{more}")
}

/// `before → after`, or the one that is there, or nothing.
pub fn change(change: &Change<String>, arrow: &str, paint: Paint, word: impl Fn(&str) -> String) -> String {
    let Paint { old, new, .. } = paint;
    match (&change.before, &change.after) {
        (Some(before), Some(after)) if before == after => word(after),
        (Some(before), Some(after)) => {
            format!("{old}{}{old:#} {arrow} {new}{}{new:#}", word(before), word(after))
        }
        (Some(one), None) | (None, Some(one)) => word(one),
        (None, None) => String::new(),
    }
}

/// `, max |Δ| 0.31, relative 0.12`.
pub fn difference(difference: Option<Difference>) -> String {
    let Some(Difference { max_abs, relative }) = difference else { return String::new() };
    let relative = relative.map_or(String::new(), |relative| format!(", relative {}", figure(relative)));
    format!(", max |Δ| {}{relative}", figure(max_abs))
}

/// A number in three digits.
fn figure(number: f64) -> String {
    let exponent = number.abs().log10().floor();
    if number == 0.0 || !number.is_finite() {
        return number.to_string();
    }
    if !(-3.0..5.0).contains(&exponent) {
        return format!("{number:.2e}");
    }
    let digits = (2.0 - exponent).max(0.0) as usize;
    let text = format!("{number:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_could_be_misread() {
        assert_eq!(name("/b1/conv.weight:0"), "/b1/conv.weight:0");
        assert_eq!(name(""), "\"\"");
        assert_eq!(name("a, b"), "\"a, b\"");
        assert_eq!(name("-x"), "\"-x\"");
        assert_eq!(name("a\"\n"), "\"a\\\"\\n\"");
    }

    #[test]
    fn long_values_show_where_they_differ() {
        let (a, b) = (format!("{}1", "0".repeat(100)), format!("{}2", "0".repeat(100)));
        assert_eq!(clip_both(&a, &b), ("…0000000000001".into(), "…0000000000002".into()));
        assert_eq!(clip(&a).chars().count(), LONGEST + 1);
    }

    #[test]
    fn figures_have_three_digits() {
        let figures = [0.0, 0.31, 0.120000001, 12345.6, 1e-7, 3.0, f64::INFINITY].map(figure);
        assert_eq!(figures, ["0", "0.31", "0.12", "12346", "1.00e-7", "3", "inf"]);
    }
}
