//! A difference as a table for a pull-request comment.

use super::human::{Kind, Line, Paint, Sign, lines, model_lines, summary_lines};
use super::report::ModelDiff;

/// Comments may be 65,536 characters long.
const LONGEST: usize = 60_000;

/// How many changes there are, and figures before and after.
pub fn markdown_summary(diff: &ModelDiff) -> String {
    if diff.is_empty() {
        return "No difference.\n".into();
    }
    summary_lines(diff, true).iter().map(|line| escaped(line)).collect::<Vec<_>>().join("  \n") + "\n"
}

/// The summary, then a table of all changes. What would not fit in a comment is counted.
pub fn markdown(diff: &ModelDiff) -> String {
    let mut text = markdown_summary(diff);
    if diff.is_empty() {
        return text;
    }
    text += "\n| | | change |\n|---|---|---|\n";
    let mut left_out = 0;
    let graphs = diff.graphs.iter().map(|graph| (graph.path.as_str(), lines(graph, Paint::default(), false)));
    for (path, lines) in std::iter::once(("", model_lines(diff, Paint::default()))).chain(graphs) {
        for line in lines {
            let row = row(path, &line);
            let fits = left_out == 0 && text.len() + row.len() < LONGEST;
            if fits { text += &row } else { left_out += 1 }
        }
    }
    if left_out > 0 {
        text += &format!("\n… and {left_out} more\n");
    }
    text
}

fn row(path: &str, line: &Line) -> String {
    let sign = match line.sign {
        Sign::Removed => "removed",
        Sign::Added => "added",
        Sign::Changed => "changed",
        Sign::None => "",
    };
    let place = if path.is_empty() { String::new() } else { format!(" in {}", code(path)) };
    format!("| {sign} | {}{place} | {} |\n", Kind::title(line.kind), code(&line.text))
}

/// A code span that holds anything: its fence is longer than all runs of backticks in it. In a table
/// a bar has to be escaped even there.
fn code(text: &str) -> String {
    let text = crate::report::printable(text).replace('|', "\\|");
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// Text in which nothing is markup.
fn escaped(text: &str) -> String {
    let escape = |char: char| if "\\`*_{}[]<>#|".contains(char) { format!("\\{char}") } else { char.to_string() };
    crate::report::printable(text).chars().map(escape).collect()
}
