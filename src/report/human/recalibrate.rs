//! What `recalibrate` did, for people.

use super::words::{BAD, BOLD, DIM, GOOD, GROUP_ABOVE, KEPT, codes_hint, duration, title, written};
use crate::data::Manifest;
use crate::recalibrate::{NormReport, Outcome, RecalibrateReport, Top1};
use crate::refusal::Refusal;
use crate::report::table::{Cell, render};
use crate::report::{AccuracyChange, RecalibrateSummary, printable};
use crate::stats::Drift;
use std::time::Duration;

/// A residual above this is worth a colour.
const LARGE_RESIDUAL: f64 = 1e-2;

/// What `recalibrate` did: a table, a summary, and where the result is.
pub fn recalibrate(summary: &RecalibrateSummary, verbose: bool, elapsed: Duration) -> String {
    let report = summary.report;
    let mut text = format!("{BOLD}{}{BOLD:#}\n", title(&summary.file.model));
    if report.norms.is_empty() {
        return text + "no BatchNormalization\n" + &written(&summary.file);
    }
    text += &table(report, verbose);
    text += &summary_line(report, elapsed);
    for line in summary.data.map(Manifest::preprocessing).unwrap_or_default() {
        text += &format!("{DIM}{}{DIM:#}\n", printable(&line));
    }
    text += &summary.top1.map_or(String::new(), accuracy);
    for warning in report.instead.iter().map(|reason| instead(reason)).chain(report.warnings.iter().cloned()) {
        text += &format!("{KEPT}note{KEPT:#}: {warning}\n");
    }
    text + &codes_hint(report.norms.iter().filter_map(refusal)) + &written(&summary.file)
}

fn instead(reason: &str) -> String {
    format!("the fixed-point method was used instead of the exact one: {reason}")
}

fn summary_line(report: &RecalibrateReport, elapsed: Duration) -> String {
    let RecalibrateReport { recalibrated, kept, method, passes, samples, samples_per_second, .. } = report;
    let unit = if *samples == 1 { "sample" } else { "samples" };
    let plural = if *passes == 1 { "pass" } else { "passes" };
    let rate = samples_per_second.map_or(String::new(), |rate| format!(", {rate:.0}/s"));
    let spilled = match report.spilled_bytes >> 20 {
        0 => String::new(),
        megabytes => format!(" · {megabytes} MB waited on disk"),
    };
    let moved = if *recalibrated > 0 { format!(", by up to {:.2} σ", report.largest_change) } else { String::new() };
    format!(
        "{BOLD}{recalibrated} recalibrated{BOLD:#}{moved}, {kept} kept · {method}, {passes} {plural} · {samples} {unit}{rate}{}\
         {spilled} · {}\n",
        residual(report),
        duration(elapsed)
    )
}

fn residual(report: &RecalibrateReport) -> String {
    let Some(residual) = report.residual else { return String::new() };
    let style = if residual > LARGE_RESIDUAL { BAD } else { GOOD };
    let of = if report.residual_of_all { "all samples" } else { "a sixteenth" };
    format!(" · {style}residual {residual:.1e}{style:#} ({of})")
}

fn accuracy(change: AccuracyChange) -> String {
    let percent = |top1: Top1| format!("{:.2} %", 100.0 * top1.share());
    let data = if change.on_calibration_data { "the calibration data" } else { "the evaluation data" };
    let (before, after) = (percent(change.before), percent(change.after));
    format!("top-1 {before} → {BOLD}{after}{BOLD:#} on {} samples of {data}\n", change.after.samples)
}

fn refusal(norm: &NormReport) -> Option<&Refusal> {
    match &norm.outcome {
        Outcome::Kept { refusal } => Some(refusal),
        Outcome::Recalibrated { .. } => None,
    }
}

/// All of them, or those that drifted most and those that stay.
fn table(report: &RecalibrateReport, verbose: bool) -> String {
    let mut shown: Vec<&NormReport> = report.norms.iter().collect();
    let limit = if verbose { shown.len() } else { GROUP_ABOVE };
    if shown.len() > limit {
        // Stable: graph order among equals.
        shown.sort_by(|a, b| urgency(b).total_cmp(&urgency(a)));
    }
    let titles = ["BatchNormalization", "channels", "drift", "worst", "remarks"].map(|title| Cell::styled(title, DIM));
    let mut rows: Vec<Vec<Cell>> = vec![titles.into()];
    rows.extend(shown.iter().take(limit).map(|norm| row(norm)));
    let mut text = render(&rows);
    if let Some(more) = shown.len().checked_sub(limit).filter(|more| *more > 0) {
        text += &format!("      {DIM}… and {more} that drifted less (-v lists all){DIM:#}\n");
    }
    text
}

fn urgency(norm: &NormReport) -> f64 {
    match &norm.outcome {
        Outcome::Recalibrated { drift, .. } => drift.mean,
        Outcome::Kept { .. } => f64::INFINITY,
    }
}

fn row(norm: &NormReport) -> Vec<Cell> {
    let cells = match &norm.outcome {
        Outcome::Recalibrated { drift, shared_with, .. } => {
            let worst = drift.worst.map_or(String::new(), |worst| format!("{:.3}", worst.divergence));
            let remarks = Cell::styled(remarks(drift, shared_with), BAD);
            [Cell::text(format!("{:.3}", drift.mean)), Cell::text(worst), remarks]
        }
        Outcome::Kept { refusal } => {
            [Cell::styled(refusal.code.name(), KEPT), Cell::text(""), Cell::text(&refusal.detail)]
        }
    };
    [Cell::text(&norm.name), Cell::number(norm.channels)].into_iter().chain(cells).collect()
}

fn remarks(drift: &Drift, shared_with: &[String]) -> String {
    let mut remarks = Vec::new();
    if let Some(gain) = drift.gain.filter(|gain| gain.octaves().abs() > 1.0) {
        remarks.push(format!("gain {:.3} → {:.3}", gain.before, gain.after));
    }
    if !drift.high_gain.is_empty() {
        remarks.push(format!("gain {:.0}", drift.max_gain));
    }
    if !drift.dead.is_empty() {
        remarks.push(format!("{} dead", drift.dead.len()));
    }
    if let Some(other) = shared_with.first() {
        remarks.push(format!("no longer shared with {}", printable(other)));
    }
    remarks.join(", ")
}
