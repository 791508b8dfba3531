//! What all reports for people say in the same way.

use crate::refusal::Refusal;
use crate::report::{DataSummary, FileSummary, explanations, printable};
use crate::verify::Verification;
use anstyle::{AnsiColor, Style};
use std::time::Duration;

/// More BatchNormalizations than this are grouped.
pub(super) const GROUP_ABOVE: usize = 12;
/// So many of a group that is kept are shown by name.
pub(super) const SHOWN_OF_GROUP: usize = 5;

pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const KEPT: Style = AnsiColor::Yellow.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default();
pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();

pub(super) fn title(model: &str) -> String {
    if model == "-" { "standard input".into() } else { printable(model) }
}

pub(super) fn duration(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1e3) } else { format!("{seconds:.1} s") }
}

pub(super) fn verdict(verification: &Verification) -> String {
    let style = if verification.same { GOOD } else { BAD };
    format!("{style}{}{style:#}", verification.sentence())
}

/// What the codes mean, if it is to be said, else where to find it.
pub(super) fn codes_hint<'a>(refusals: impl Iterator<Item = &'a Refusal>) -> String {
    let refusals: Vec<&Refusal> = refusals.collect();
    match refusals.first() {
        Some(first) if first.explanation.is_none() => {
            format!("{DIM}`bn-tool explain {}` says more{DIM:#}\n", first.code)
        }
        _ => explanations::render(&refusals, KEPT),
    }
}

/// Where the result is, if anywhere.
pub(super) fn written(file: &FileSummary) -> String {
    match file.written.as_deref() {
        Some("-") => String::new(),
        Some(path) => file.data.as_ref().map_or(String::new(), |data| written_with(path, data, file.in_place)),
        None if !file.wanted => format!("{DIM}nothing was written (no -o OUT){DIM:#}\n"),
        None => "nothing was written\n".into(),
    }
}

fn written_with(path: &str, data: &DataSummary, in_place: bool) -> String {
    let path = printable(path);
    let reason = if data.data_moved { ", because one file ends at 2 GiB" } else { "" };
    let mut text = match &data.data_written[..] {
        [] => format!("wrote {path}\n"),
        written => format!("wrote {path}, with weights in {}{reason}\n", some(written)),
    };
    if !data.data_shared.is_empty() {
        text += &format!("weights in {} were there already\n", some(&data.data_shared));
    }
    if in_place && !data.data_replaced.is_empty() {
        let replaced = some(&data.data_replaced);
        text += &format!("{path} no longer reads {replaced}: delete if no other model does\n");
    }
    text
}

/// The first few of many names.
pub(super) fn some(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = printable(&names[..names.len().min(SHOWN)].join(", "));
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}
