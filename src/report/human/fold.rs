//! What `fold` did, for people.

use super::verify::differing;
use super::words::{
    BOLD, DIM, GOOD, GROUP_ABOVE, KEPT, SHOWN_OF_GROUP, codes_hint, duration, some, title, verdict, written,
};
use crate::refusal::{Code, Refusal};
use crate::report::table::{Cell, render};
use crate::report::{FoldSummary, printable};
use crate::transform::fold::{Direction, FoldReport, NormReport, Outcome};
use crate::transform::merge::Merge;
use std::time::Duration;

/// What `fold` did: a table, a summary, and where the result is.
pub fn fold(summary: &FoldSummary, verbose: bool, elapsed: Duration) -> String {
    let report = summary.report;
    let mut text = format!("{BOLD}{}{BOLD:#}\n", title(&summary.file.model));
    if report.norms.is_empty() && !report.changed() {
        return text + "no BatchNormalization\n" + &written(&summary.file);
    }
    text += &match verbose || report.norms.len() <= GROUP_ABOVE {
        true => table(report),
        false => groups(report),
    };
    text += &merged(report, verbose);
    text += &prepared(summary, verbose);
    text += &format!("{}\n", summary_line(summary, elapsed));
    text + &codes_hint(report.norms.iter().filter_map(refusal))
        + &written(&summary.file)
        + &differing(summary.verification)
        + &suspects(summary)
}

/// What was folded where outputs begin to differ.
fn suspects(summary: &FoldSummary) -> String {
    let location = summary.verification.and_then(|verification| verification.location.as_deref());
    let touched = location.into_iter().flat_map(|location| &location.touched);
    let nodes = touched.flat_map(|touched| [&touched.original, &touched.result]).flatten();
    let mut rows: Vec<&NormReport> = Vec::new();
    for norm in nodes.flat_map(|node| summary.report.concerning(&node.name)) {
        if matches!(norm.outcome, Outcome::Folded { .. }) && !rows.iter().any(|other| other.name == norm.name) {
            rows.push(norm);
        }
    }
    render(&rows.into_iter().map(norm_row).collect::<Vec<_>>())
}

fn summary_line(summary: &FoldSummary, elapsed: Duration) -> String {
    let FoldReport { folded, kept, folded_arithmetic, nodes_before, nodes_after, .. } = summary.report;
    let others = if *folded_arithmetic > 0 { format!(" (and {folded_arithmetic} others)") } else { String::new() };
    let unchanged = !summary.report.changed();
    let nodes = format!("{nodes_before} → {nodes_after} nodes");
    let verdict = match summary.verification {
        Some(verification) if summary.frozen.is_empty() => verdict(verification),
        Some(verification) => verdict(verification) + " · compared with the frozen model",
        None if unchanged && summary.frozen.is_empty() => "unchanged".into(),
        None if unchanged => "nothing to compare".into(),
        None => "not verified".into(),
    };
    format!("{BOLD}{folded} folded{BOLD:#}{others}, {kept} kept · {nodes} · {verdict} · {}", duration(elapsed))
}

/// The branches that became one operator.
fn merged(report: &FoldReport, verbose: bool) -> String {
    let merges = &report.merged.merges;
    let shown = if verbose { merges.len() } else { merges.len().min(SHOWN_OF_GROUP) };
    let row = |merge: &Merge| {
        let into = format!("with {} {}", merge.operator, merge.into);
        vec![Cell::text(merge.branches.join(", ")), Cell::styled("merged", GOOD), Cell::text(into)]
    };
    let rows: Vec<Vec<Cell>> = merges[..shown].iter().map(row).collect();
    let more = merges.len() - shown;
    let more =
        if more > 0 { format!("      {DIM}… and {more} more (-v lists them){DIM:#}\n") } else { String::new() };
    render(&rows) + &more
}

/// What was done to the model before it was folded.
fn prepared(summary: &FoldSummary, verbose: bool) -> String {
    let names = |names: &[String]| if verbose { printable(&names.join(", ")) } else { some(names) };
    let line = |of: &[String], what| if of.is_empty() { String::new() } else { format!("{what}: {}\n", names(of)) };
    line(summary.frozen, "frozen, so that they use their stored statistics")
        + &line(summary.specialized, "functions copied for the constants of their calls")
}

fn table(report: &FoldReport) -> String {
    let titles = ["BatchNormalization", "channels"].map(|title| Cell::styled(title, DIM));
    let mut rows: Vec<Vec<Cell>> = vec![titles.into()];
    rows.extend(report.norms.iter().map(norm_row));
    render(&rows)
}

pub(super) fn norm_row(norm: &NormReport) -> Vec<Cell> {
    let name = if norm.is_norm() { norm.name.clone() } else { format!("{} ({})", norm.name, norm.kind) };
    let channels = if norm.is_norm() { Cell::number(norm.channels) } else { Cell::text("") };
    let mut row = vec![Cell::text(name), channels];
    row.extend(outcome_cells(&norm.outcome));
    row
}

pub(super) fn outcome_cells(outcome: &Outcome) -> [Cell; 2] {
    match outcome {
        Outcome::Folded { operator, into, direction, also_into } => {
            let more = if also_into.is_empty() { String::new() } else { format!(" and {} more", also_into.len()) };
            [Cell::styled("folded", GOOD), Cell::text(format!("{} {operator} {into}{more}", toward(*direction)))]
        }
        Outcome::Kept { refusal } => [Cell::styled(refusal.code.name(), KEPT), Cell::text(&refusal.detail)],
    }
}

pub(super) fn toward(direction: Direction) -> &'static str {
    match direction {
        Direction::Backward => "into",
        Direction::Forward => "forward into",
        Direction::Parallel => "beside",
    }
}

pub(super) fn refusal(norm: &NormReport) -> Option<&Refusal> {
    match &norm.outcome {
        Outcome::Kept { refusal } => Some(refusal),
        Outcome::Folded { .. } => None,
    }
}

/// One line per operator that took some in, then those that are kept, by reason.
fn groups(report: &FoldReport) -> String {
    let mut folded: Vec<(String, usize)> = Vec::new();
    for norm in &report.norms {
        if let Outcome::Folded { operator, direction, .. } = &norm.outcome {
            let what = if norm.is_norm() { "" } else { " (Mul, Add … by constants)" };
            let text = format!("{} {operator}{what}", toward(*direction));
            match folded.iter_mut().find(|entry| entry.0 == text) {
                Some(entry) => entry.1 += 1,
                None => folded.push((text, 1)),
            }
        }
    }
    let row = |(text, count): (String, usize)| {
        vec![Cell::number(Some(count)), Cell::styled("folded", GOOD), Cell::text(text)]
    };
    let mut text = render(&folded.into_iter().map(row).collect::<Vec<_>>());
    for code in Code::ALL {
        text += &kept_group(report, code);
    }
    text
}

fn kept_group(report: &FoldReport, code: Code) -> String {
    let of_code = |norm: &&NormReport| refusal(norm).is_some_and(|refusal| refusal.code == code);
    let kept: Vec<&NormReport> = report.norms.iter().filter(of_code).collect();
    if kept.is_empty() {
        return String::new();
    }
    let detail = |norm: &NormReport| refusal(norm).map(|refusal| refusal.detail.clone()).unwrap_or_default();
    let rows: Vec<Vec<Cell>> = kept
        .iter()
        .take(SHOWN_OF_GROUP)
        .map(|norm| vec![Cell::text(""), Cell::text(&norm.name), Cell::text(detail(norm))])
        .collect();
    let more = match kept.len().checked_sub(SHOWN_OF_GROUP) {
        Some(more) if more > 0 => format!("      {DIM}… and {more} more (-v lists them){DIM:#}\n"),
        _ => String::new(),
    };
    format!("  {} {KEPT}{code}{KEPT:#}\n", kept.len()) + &render(&rows) + &more
}
