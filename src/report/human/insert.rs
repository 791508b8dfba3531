//! What `insert` did, for people.

use super::verify::differing;
use super::words::{BOLD, DIM, GOOD, GROUP_ABOVE, KEPT, SHOWN_OF_GROUP, codes_hint, duration, title, verdict, written};
use crate::refusal::{Code, Refusal};
use crate::report::table::{Cell, render};
use crate::report::{InsertSummary, MeasureSummary, printable};
use crate::transform::insert::{InsertOutcome, InsertReport, LayerReport};
use std::time::Duration;

/// What `insert` did: a table, a summary, and where the result is.
pub fn insert(summary: &InsertSummary, verbose: bool, elapsed: Duration) -> String {
    let report = summary.report;
    let mut text = format!("{BOLD}{}{BOLD:#}\n", title(&summary.file.model));
    let place = written(&summary.file);
    if report.layers.is_empty() {
        return text + "no affine layer\n" + &place;
    }
    text += &match verbose || report.layers.len() <= GROUP_ABOVE {
        true => table(report),
        false => groups(report),
    };
    text += &summary.measured.map_or(String::new(), measured);
    text += &summary_line(summary, elapsed);
    text + &codes_hint(report.layers.iter().filter_map(refusal)) + &place + &differing(summary.verification)
}

fn measured(measured: &MeasureSummary) -> String {
    let MeasureSummary { samples, passes, residual, preprocessing } = measured;
    let text = match passes {
        0 | 1 => format!("statistics of {samples} samples\n"),
        _ => format!("statistics of {samples} samples, {passes} passes, consistent within {residual:.1e} σ\n"),
    };
    preprocessing.iter().fold(text, |text, line| format!("{text}  {}\n", printable(line)))
}

fn summary_line(summary: &InsertSummary, elapsed: Duration) -> String {
    let InsertReport { inserted, kept, nodes_before, nodes_after, .. } = summary.report;
    let verdict = match summary.verification {
        _ if !summary.report.changed() => "unchanged".into(),
        Some(verification) if summary.preserves => verdict(verification),
        Some(verification) => format!("{KEPT}computes something else, as asked{KEPT:#}: {}", verification.sentence()),
        None if summary.training => format!("{KEPT}normalises by the statistics of the batch{KEPT:#}, not verified"),
        None if !summary.preserves => format!("{KEPT}computes something else, as asked{KEPT:#}"),
        None => "not verified".into(),
    };
    let stripped = match summary.stripped_biases {
        0 => String::new(),
        count => format!(", {count} biases stripped"),
    };
    format!(
        "{BOLD}{inserted} inserted{BOLD:#} ({}{stripped}), {kept} left · {nodes_before} → {nodes_after} nodes · {verdict} · {}\n",
        summary.init,
        duration(elapsed)
    )
}

fn refusal(layer: &LayerReport) -> Option<&Refusal> {
    match &layer.outcome {
        InsertOutcome::Kept { refusal } => Some(refusal),
        InsertOutcome::Inserted { .. } => None,
    }
}

fn table(report: &InsertReport) -> String {
    let titles = ["layer", "channels"].map(|title| Cell::styled(title, DIM));
    let mut rows: Vec<Vec<Cell>> = vec![titles.into()];
    rows.extend(report.layers.iter().map(row));
    render(&rows)
}

fn row(layer: &LayerReport) -> Vec<Cell> {
    let name = Cell::text(format!("{} {}", layer.operator, layer.name));
    match &layer.outcome {
        InsertOutcome::Inserted { norm, channels, activation, transposed } => {
            let before = activation.as_ref().map_or(String::new(), |activation| format!(", before {activation}"));
            let how = if *transposed { ", between two Transposes" } else { "" };
            let cells = [Cell::styled("inserted", GOOD), Cell::text(format!("{norm}{before}{how}"))];
            [name, Cell::number(Some(*channels))].into_iter().chain(cells).collect()
        }
        InsertOutcome::Kept { refusal } => {
            vec![name, Cell::text(""), Cell::styled(refusal.code.name(), KEPT), Cell::text(&refusal.detail)]
        }
    }
}

/// One line per operator that got some, then those that are left, by reason.
fn groups(report: &InsertReport) -> String {
    let mut inserted: Vec<(&str, usize)> = Vec::new();
    for layer in report.layers.iter().filter(|layer| layer.outcome.norm().is_some()) {
        match inserted.iter_mut().find(|entry| entry.0 == layer.operator) {
            Some(entry) => entry.1 += 1,
            None => inserted.push((&layer.operator, 1)),
        }
    }
    let row = |(operator, count): (&str, usize)| {
        vec![Cell::number(Some(count)), Cell::styled("inserted", GOOD), Cell::text(format!("at {operator}"))]
    };
    let mut text = render(&inserted.into_iter().map(row).collect::<Vec<_>>());
    for code in Code::ALL {
        let of_code = |layer: &&LayerReport| refusal(layer).is_some_and(|refusal| refusal.code == code);
        text += &kept_group(code, &report.layers.iter().filter(of_code).collect::<Vec<_>>());
    }
    text
}

fn kept_group(code: Code, layers: &[&LayerReport]) -> String {
    if layers.is_empty() {
        return String::new();
    }
    let detail = |layer: &LayerReport| refusal(layer).map(|refusal| refusal.detail.clone()).unwrap_or_default();
    let row = |layer: &&LayerReport| vec![Cell::text(""), Cell::text(&layer.name), Cell::text(detail(layer))];
    let rows: Vec<Vec<Cell>> = layers.iter().take(SHOWN_OF_GROUP).map(row).collect();
    let more = match layers.len().checked_sub(SHOWN_OF_GROUP) {
        Some(more) if more > 0 => format!("      {DIM}… and {more} more (-v lists them){DIM:#}\n"),
        _ => String::new(),
    };
    format!("  {} {KEPT}{code}{KEPT:#}\n", layers.len()) + &render(&rows) + &more
}
