//! What `verify` found, for people.

use super::words::{BAD, GOOD, duration, verdict};
use crate::report::VerifySummary;
use crate::report::table::{Cell, render};
use std::time::Duration;

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
