//! What `inspect` found, for people.

use super::fold::{refusal, toward};
use super::words::{BAD, BOLD, DIM, GOOD, KEPT, codes_hint, title};
use crate::report::table::{Cell, render};
use crate::report::{InspectSummary, InspectedNorm, MissingOperator, printable};
use crate::transform::fold::{Health, Outcome};

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
    rows.extend(norms.iter().map(inspect_row));
    let foldable = format!("{BOLD}{foldable} of {}{BOLD:#} can be folded\n", norms.len());
    let refusals = || norms.iter().filter_map(|norm| refusal(norm.fold));
    let lacking = lacking(&summary.unsupported);
    let explained = refusals().any(|refusal| refusal.explanation.is_some());
    head + &render(&rows) + &foldable + &lacking + &if explained { codes_hint(refusals()) } else { String::new() }
}

/// What keeps tract from running the model.
fn lacking(operators: &[MissingOperator]) -> String {
    if operators.is_empty() {
        return String::new();
    }
    let name = |missing: &MissingOperator| format!("{} (node {})", missing.operator, missing.node);
    let operators = printable(&operators.iter().map(name).collect::<Vec<_>>().join(", "));
    format!("tract cannot verify it, which lacks {operators}: --engine onnxruntime may have it\n")
}

fn inspect_row(norm: &InspectedNorm) -> Vec<Cell> {
    let remarks = remarks(norm);
    let norm = norm.fold;
    let folds = match &norm.outcome {
        Outcome::Folded { operator, direction, .. } => Cell::styled(format!("{} {operator}", toward(*direction)), GOOD),
        Outcome::Kept { refusal } => Cell::styled(refusal.code.name(), KEPT),
    };
    let after = norm.producer.clone().unwrap_or_else(|| "graph input".into());
    vec![Cell::text(&norm.name), Cell::number(norm.channels), Cell::text(after), folds, Cell::styled(remarks, BAD)]
}

fn remarks(norm: &InspectedNorm) -> String {
    let mut remarks = norm.fold.health.map_or(Vec::new(), |health| health_remarks(&health));
    remarks.extend(norm.redundant_bias.iter().map(|term| format!("redundant bias of {}", term.operator)));
    remarks.join(", ")
}

fn health_remarks(health: &Health) -> Vec<String> {
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
    remarks
}
