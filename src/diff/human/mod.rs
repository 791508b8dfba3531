//! A difference for people: one line per thing, with a sign as git has it.
//!
//! In lines of nodes `→` leads from inputs to outputs and `⇒` from before to after; elsewhere `→`
//! leads from before to after.

mod line;
mod node;
mod summary;
mod words;

use super::report::{GraphDiff, ModelDiff, Status};
use anstyle::{AnsiColor, Style};
pub(super) use line::{Kind, Line, Sign, lines, model_lines};
pub(super) use summary::summary_lines;

/// How a difference is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HumanOptions {
    /// Only the summary.
    pub summary: bool,
    /// All that was only renamed, however much it is.
    pub verbose: bool,
    /// With colours, as ANSI sequences.
    pub color: bool,
}

/// Styles, or none.
#[derive(Clone, Copy, Default)]
pub(super) struct Paint {
    old: Style,
    new: Style,
    changed: Style,
    heading: Style,
    dim: Style,
}

impl Paint {
    fn new(color: bool) -> Self {
        if !color {
            return Paint::default();
        }
        Paint {
            old: AnsiColor::Red.on_default(),
            new: AnsiColor::Green.on_default(),
            changed: AnsiColor::Yellow.on_default(),
            heading: AnsiColor::Cyan.on_default(),
            dim: Style::new().dimmed(),
        }
    }
}

/// A difference in lines: what the models say of themselves, then each graph with its interface,
/// nodes and constants, then a summary.
pub fn human(diff: &ModelDiff, options: &HumanOptions) -> String {
    let paint = Paint::new(options.color);
    if diff.is_empty() {
        return "no difference\n".into();
    }
    let mut text = String::new();
    if !options.summary {
        model_lines(diff, paint).iter().for_each(|line| text += &with_sign(line, paint));
        for graph in &diff.graphs {
            text += &heading(graph, paint);
            lines(graph, paint, options.verbose).iter().for_each(|line| text += &with_sign(line, paint));
        }
    }
    let summary = summary_lines(diff, options.summary);
    summary.iter().for_each(|line| text += &format!("  {line}\n"));
    text
}

fn heading(graph: &GraphDiff, paint: Paint) -> String {
    let style = paint.heading;
    let status = match graph.status {
        Status::Changed => "",
        Status::Added => ", added",
        Status::Removed => ", removed",
    };
    match graph.path.as_str() {
        "" => String::new(),
        path => format!("{style}@@ {}{status} @@{style:#}\n", crate::report::printable(path)),
    }
}

fn with_sign(line: &Line, paint: Paint) -> String {
    let Line { sign, kind, text } = line;
    let kind = kind.word();
    let (style, sign) = match sign {
        Sign::Removed => (paint.old, '-'),
        Sign::Added => (paint.new, '+'),
        Sign::Changed => (paint.changed, '~'),
        Sign::None => (paint.dim, ' '),
    };
    match sign {
        // What changes in the line has colours of its own.
        '~' => format!("{style}{sign}{style:#} {kind}{text}\n"),
        _ => format!("{style}{sign} {kind}{text}{style:#}\n"),
    }
}
