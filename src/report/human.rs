//! Reports for people. Colours are ANSI sequences, which the command line strips where they
//! do not belong.

use super::explanations;
use super::table::{Cell, render};
use super::{DataSummary, FoldSummary, InspectSummary, VerifySummary, printable};
use crate::refusal::{Code, Refusal};
use crate::transform::fold::{Direction, FoldReport, Health, NormReport, Outcome};
use crate::transform::merge::Merge;
use crate::verify::Verification;
use anstyle::{AnsiColor, Style};
use std::time::Duration;

/// More BatchNormalizations than this are grouped.
pub(super) const GROUP_ABOVE: usize = 12;
/// So many of a group that is kept are shown by name.
pub(super) const SHOWN_OF_GROUP: usize = 5;

pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const KEPT: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default();
pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();

pub use super::inserted::insert;

/// What `fold` did: a table, a summary, and where the result is.
pub fn fold(summary: &FoldSummary, verbose: bool, elapsed: Duration) -> String {
    let report = summary.report;
    let mut text = format!("{BOLD}{}{BOLD:#}\n", title(&summary.model));
    if report.norms.is_empty() && !report.changed() {
        return text + "no BatchNormalization\n" + &written_of_fold(summary);
    }
    text += &match verbose || report.norms.len() <= GROUP_ABOVE {
        true => table(report),
        false => groups(report),
    };
    text += &merged(report, verbose);
    text += &prepared(summary, verbose);
    text += &format!("{}\n", summary_line(summary, elapsed));
    text + &codes_hint(report.norms.iter().filter_map(refusal)) + &written_of_fold(summary)
}

pub(super) fn title(model: &str) -> String {
    if model == "-" { "standard input".into() } else { printable(model) }
}

pub(super) fn duration(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1e3) } else { format!("{seconds:.1} s") }
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

pub(super) fn verdict(verification: &Verification) -> String {
    let style = if verification.same { GOOD } else { BAD };
    format!("{style}{}{style:#}", verification.sentence())
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

fn written_of_fold(summary: &FoldSummary) -> String {
    written(summary.written.as_deref(), summary.data.as_ref(), summary.wanted, summary.in_place)
}

/// Where the result is, if anywhere.
pub(super) fn written(path: Option<&str>, data: Option<&DataSummary>, wanted: bool, in_place: bool) -> String {
    match path {
        Some("-") => String::new(),
        Some(path) => data.map_or(String::new(), |data| written_with(path, data, in_place)),
        None if !wanted => format!("{DIM}nothing was written (no -o OUT){DIM:#}\n"),
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
fn some(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = printable(&names[..names.len().min(SHOWN)].join(", "));
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}

fn table(report: &FoldReport) -> String {
    let titles = ["BatchNormalization", "channels"].map(|title| Cell::styled(title, DIM));
    let mut rows: Vec<Vec<Cell>> = vec![titles.into()];
    rows.extend(report.norms.iter().map(norm_row));
    render(&rows)
}

fn norm_row(norm: &NormReport) -> Vec<Cell> {
    let name = if norm.is_norm() { norm.name.clone() } else { format!("{} ({})", norm.name, norm.kind) };
    let channels = if norm.is_norm() { Cell::number(norm.channels) } else { Cell::text("") };
    let mut row = vec![Cell::text(name), channels];
    row.extend(outcome_cells(&norm.outcome));
    row
}

fn outcome_cells(outcome: &Outcome) -> [Cell; 2] {
    match outcome {
        Outcome::Folded { operator, into, direction, also_into } => {
            let more = if also_into.is_empty() { String::new() } else { format!(" and {} more", also_into.len()) };
            [Cell::styled("folded", GOOD), Cell::text(format!("{} {operator} {into}{more}", toward(*direction)))]
        }
        Outcome::Kept { refusal } => [Cell::styled(refusal.code.name(), KEPT), Cell::text(&refusal.detail)],
    }
}

fn toward(direction: Direction) -> &'static str {
    match direction {
        Direction::Backward => "into",
        Direction::Forward => "forward into",
        Direction::Parallel => "beside",
    }
}

fn refusal(norm: &NormReport) -> Option<&Refusal> {
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

/// What `verify` found: a line per output, then the verdict.
pub fn verify(summary: &VerifySummary, elapsed: Duration) -> String {
    let verification = summary.verification;
    let rows: Vec<Vec<Cell>> = verification.outputs.iter().map(output_row).collect();
    let samples = verification.samples;
    let plural = if samples == 1 { "" } else { "s" };
    render(&rows) + &format!("{} · {samples} sample{plural} · {}\n", verdict(verification), duration(elapsed))
}

fn output_row(output: &crate::verify::OutputReport) -> Vec<Cell> {
    let (word, style) = if output.same { ("same", GOOD) } else { ("differs", BAD) };
    let mut figures = format!("max abs {:.2e}, max rel {:.2e}", output.max_abs, output.max_rel);
    if let Some(cosine) = output.cosine {
        figures += &format!(", 1 − cosine {:.1e}", (1.0 - cosine).abs());
    }
    if let Some(agreement) = output.top1_agreement {
        figures += &format!(", top-1 agreement {:.0} %", agreement * 100.0);
    }
    vec![Cell::text(&output.name), Cell::styled(word, style), Cell::text(figures)]
}

/// What `inspect` found: one line per BatchNormalization.
pub fn inspect(summary: &InspectSummary) -> String {
    let InspectSummary { opset, nodes, parameters, foldable, norms, .. } = summary;
    let element = summary.element.map_or(String::new(), |element| format!(" · {element}"));
    let model = title(&summary.model);
    let head = format!("{BOLD}{model}{BOLD:#}\nopset {opset} · {nodes} nodes · {parameters} parameters{element}\n");
    if norms.is_empty() {
        return head + "no BatchNormalization\n";
    }
    let titles = ["BatchNormalization", "channels", "after", "folds", "remarks"];
    let mut rows: Vec<Vec<Cell>> = vec![titles.map(|title| Cell::styled(title, DIM)).into()];
    rows.extend(norms.iter().map(|norm| inspect_row(norm)));
    let foldable = format!("{BOLD}{foldable} of {}{BOLD:#} can be folded\n", norms.len());
    let explained = norms.iter().filter_map(|norm| refusal(norm)).any(|refusal| refusal.explanation.is_some());
    head + &render(&rows)
        + &foldable
        + &if explained { codes_hint(norms.iter().filter_map(|norm| refusal(norm))) } else { String::new() }
}

fn inspect_row(norm: &NormReport) -> Vec<Cell> {
    let folds = match &norm.outcome {
        Outcome::Folded { operator, direction, .. } => Cell::styled(format!("{} {operator}", toward(*direction)), GOOD),
        Outcome::Kept { refusal } => Cell::styled(refusal.code.name(), KEPT),
    };
    let after = norm.producer.clone().unwrap_or_else(|| "graph input".into());
    let remarks = norm.health.map(|health| remarks(&health)).unwrap_or_default();
    vec![Cell::text(&norm.name), Cell::number(norm.channels), Cell::text(after), folds, Cell::styled(remarks, BAD)]
}

fn remarks(health: &Health) -> String {
    let mut remarks = Vec::new();
    if health.max_gain > 1e3 {
        remarks.push(format!("gain {:.0}", health.max_gain));
    }
    if health.zero_scale > 0 {
        remarks.push(format!("zero γ in {}", health.zero_scale));
    }
    if health.invalid > 0 {
        remarks.push(format!("invalid in {}", health.invalid));
    }
    if health.untrained {
        remarks.push("untrained".into());
    }
    remarks.join(", ")
}

/// All codes with what they mean.
pub fn explain_all() -> String {
    let rows = Code::ALL.map(|code| vec![Cell::styled(code.name(), BOLD), Cell::text(code.explanation().what)]);
    render(&rows)
}

/// One code in full.
pub fn explain(code: Code) -> String {
    let explanation = code.explanation();
    format!(
        "{BOLD}{code}{BOLD:#}\n\n{}\n\n{BOLD}Why it is kept:{BOLD:#} {}\n\n{BOLD}What to do:{BOLD:#} {}\n",
        explanation.what, explanation.why, explanation.remedy
    )
}
