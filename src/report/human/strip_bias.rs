//! What `strip-bias` did, for people.

use super::verify::differing;
use super::words::{BOLD, DIM, GOOD, GROUP_ABOVE, KEPT, codes_hint, duration, title, verdict, written};
use crate::refusal::Refusal;
use crate::report::StripSummary;
use crate::report::table::{Cell, render};
use crate::transform::strip_bias::{NormReport, Outcome, StripReport};
use std::time::Duration;

/// What `strip-bias` did: a table, a summary, and where the result is.
pub fn strip_bias(summary: &StripSummary, verbose: bool, elapsed: Duration) -> String {
    let report = summary.report;
    let mut text = format!("{BOLD}{}{BOLD:#}\n", title(&summary.file.model));
    if report.norms.is_empty() {
        return text + "no BatchNormalization\n" + &written(&summary.file);
    }
    let is_shown = |norm: &&NormReport| verbose || !matches!(norm.outcome, Outcome::NoBias);
    let shown: Vec<&NormReport> = report.norms.iter().filter(is_shown).collect();
    let limit = if verbose { shown.len() } else { GROUP_ABOVE };
    if !shown.is_empty() {
        text += &table(&shown[..shown.len().min(limit)]);
    }
    if shown.len() > limit {
        text += &format!("      {DIM}… and {} more (-v lists them){DIM:#}\n", shown.len() - limit);
    }
    text += &summary_line(summary, elapsed);
    text + &codes_hint(report.norms.iter().filter_map(refusal))
        + &written(&summary.file)
        + &differing(summary.verification)
}

fn summary_line(summary: &StripSummary, elapsed: Duration) -> String {
    let StripReport { stripped, kept, nodes_before, nodes_after, norms } = summary.report;
    let without = norms.len() - stripped - kept;
    let verdict = match summary.verification {
        _ if !summary.report.changed() => "unchanged".into(),
        Some(verification) => verdict(verification),
        None => "not verified".into(),
    };
    format!(
        "{BOLD}{stripped} stripped{BOLD:#}, {kept} kept, {without} without a bias · {nodes_before} → {nodes_after} \
         nodes · {verdict} · {}\n",
        duration(elapsed)
    )
}

fn refusal(norm: &NormReport) -> Option<&Refusal> {
    match &norm.outcome {
        Outcome::Kept { refusal } => Some(refusal),
        _ => None,
    }
}

fn table(norms: &[&NormReport]) -> String {
    let titles = ["BatchNormalization", "channels"].map(|title| Cell::styled(title, DIM));
    let mut rows: Vec<Vec<Cell>> = vec![titles.into()];
    rows.extend(norms.iter().map(|norm| row(norm)));
    render(&rows)
}

fn row(norm: &NormReport) -> Vec<Cell> {
    let cells = match &norm.outcome {
        Outcome::Stripped { from, largest } => {
            let terms: Vec<String> = from.iter().map(|term| format!("{} {}", term.operator, term.name)).collect();
            let training = if norm.trains { ", training" } else { "" };
            let text = format!("of {}, at most {largest:.2e}{training}", terms.join(" and "));
            [Cell::styled("stripped", GOOD), Cell::text(text)]
        }
        Outcome::NoBias => [Cell::text("no bias"), Cell::text("")],
        Outcome::Kept { refusal } => [Cell::styled(refusal.code.name(), KEPT), Cell::text(&refusal.detail)],
    };
    [Cell::text(&norm.name), Cell::number(norm.channels)].into_iter().chain(cells).collect()
}
