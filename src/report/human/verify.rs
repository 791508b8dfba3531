//! What `verify` found, for people.

use super::locate::location;
use super::words::{BAD, DIM, GOOD, KEPT, duration, verdict};
use crate::report::table::{Cell, render};
use crate::report::{VerifySummary, printable};
use crate::verify::{EngineReport, OtherEngine, OtherSizes, OutputReport, UlpReport, Verification};
use std::time::Duration;

/// What `verify` found: a line per output, then the verdict. With `verbose`, all that was measured.
pub fn verify(summary: &VerifySummary, verbose: bool, elapsed: Duration) -> String {
    let verification = summary.verification;
    let rows: Vec<Vec<Cell>> = verification.outputs.iter().flat_map(output_rows).collect();
    let mut text = render(&rows);
    if verbose {
        text += &verification.outputs.iter().map(details).collect::<String>();
    }
    text += &format!("{} · {} · {}\n", verdict(verification), samples(verification), duration(elapsed));
    text + &differing(Some(verification))
}

/// Which engine could not say anything; where the inputs are that show a difference, and where it begins.
pub(super) fn differing(verification: Option<&Verification>) -> String {
    let Some(Verification { engines, failing, location: first, .. }) = verification else { return String::new() };
    let silent = |engine: &EngineReport| {
        let reason = printable(engine.unavailable.as_deref()?);
        Some(format!("{KEPT}note{KEPT:#}: {} did not run the models: {reason}\n", engine.name))
    };
    let mut text: String = engines.iter().filter_map(silent).collect();
    let Some(failing) = failing else { return text };
    text += &first.as_deref().map_or(String::new(), location);
    if let Some(file) = failing.file.as_deref().map(printable) {
        text += &format!("the inputs of sample {} are in {file}: `--data {file}` runs them again\n", failing.sample);
    }
    text
}

/// One row, and another for a second engine.
fn output_rows(output: &OutputReport) -> Vec<Vec<Cell>> {
    let own = output.within_tolerance && output.f64.as_ref().is_none_or(|f64| f64.same);
    let mut rows = vec![row(&output.name, own, figures(output))];
    if let Some(OtherEngine { engine, report, apart }) = output.other_engine.as_deref() {
        let engines = format!("engines apart {:.1e}, of the result {:.1e}", apart.original, apart.result);
        rows.push(row("", report.same, format!("in {engine}: {}, {engines}", figures(report))));
    }
    rows
}

fn row(name: &str, same: bool, figures: String) -> Vec<Cell> {
    let (word, style) = if same { ("same", GOOD) } else { ("differs", BAD) };
    vec![Cell::text(name), Cell::styled(word, style), Cell::text(figures)]
}

fn figures(output: &OutputReport) -> String {
    let mut figures = format!("max abs {:.2e}, max rel {:.2e}", output.max_abs, output.max_rel);
    if output.finite == 0 {
        figures += ", without a finite element that could differ";
    }
    if output.mismatched > 0.0 {
        figures += &format!(", {} mismatched", percent(output.mismatched));
    }
    if let Some(sqnr) = output.sqnr_db {
        figures += &format!(", SQNR {sqnr:.0} dB");
    }
    for (what, agreement) in [("top-1", output.top1_agreement), ("top-5", output.top5_agreement)] {
        if let Some(agreement) = agreement {
            figures += &format!(", {what} agreement {}", percent(agreement));
        }
    }
    figures
}

fn details(output: &OutputReport) -> String {
    let mut text = format!("{}\n", printable(&output.name));
    let mut line = |what: &str, value: String| text += &format!("  {DIM}{what:<12}{DIM:#}{value}\n");
    line("tolerance", format!("|Δ| ≤ {:.2e} + {:.2e}·|original|", output.atol, output.rtol));
    if let Some(worst) = &output.worst {
        let place = format!("{} where the original has {}", worst.result, worst.original);
        line("worst", format!("{:?} of sample {}: {place}", worst.index, worst.sample));
    }
    if let Some(cosine) = output.cosine {
        line("1 − cosine", format!("{:.2e}", (1.0 - cosine).abs()));
    }
    if let Some(ulps) = &output.ulps {
        line("ulps", distances(ulps));
    }
    if let Some(f64) = &output.f64 {
        line("from exact", format!("{:.2e}, the original {:.2e}", f64.result_error, f64.original_error));
        line("in f64", format!("{:.2e}, rounding explains {:.2e}", f64.algebra_error, f64.limit));
    }
    text
}

/// How many elements are equal, and within how much half of them, nearly all and all are.
fn distances(ulps: &UlpReport) -> String {
    let all = ulps.histogram.iter().sum::<u64>().max(1) as f64;
    let equal = ulps.histogram.first().copied().unwrap_or(0) as f64 / all;
    let within = |share: f64| {
        let mut counted = 0;
        let reached = |count: &u64| {
            counted += count;
            counted as f64 >= share * all
        };
        // Bucket k ends at 2ᵏ − 1.
        let bucket = ulps.histogram.iter().position(reached).unwrap_or(0);
        (1u128 << bucket).saturating_sub(1).min(ulps.largest.into())
    };
    let (half, nearly) = (within(0.5), within(0.99));
    format!("{} equal, half within {half}, 99 % within {nearly}, all within {}", percent(equal), ulps.largest)
}

/// How many samples were run, and of which sizes.
fn samples(verification: &Verification) -> String {
    let count = verification.samples;
    let samples = format!("{count} sample{}", if count == 1 { "" } else { "s" });
    match &verification.other_dims {
        Some(other) => format!("{samples}, {} with {}", other.samples, other_sizes(verification, other)),
        None => samples,
    }
}

/// The lengths of named dimensions that are others than at first; of those without names, the shapes.
fn other_sizes(verification: &Verification, other: &OtherSizes) -> String {
    let differs = |(name, length): &(&String, &usize)| verification.dims.get(*name) != Some(*length);
    let named: Vec<String> =
        other.dims.iter().filter(differs).map(|(name, length)| format!("{} = {length}", printable(name))).collect();
    if named.is_empty() { format!("{:?}", other.shapes) } else { named.join(", ") }
}

/// 100 % only where it is all, 0 % only where it is none.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        0.0 => "0 %".into(),
        _ if percent < 0.1 => "< 0.1 %".into(),
        _ if share < 1.0 && percent > 99.9 => "> 99.9 %".into(),
        _ if percent.fract() == 0.0 => format!("{percent:.0} %"),
        _ => format!("{percent:.1} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_told_by_their_quantiles() {
        let ulps = UlpReport { largest: 1000, histogram: vec![40, 30, 20, 0, 0, 0, 0, 0, 9, 0, 1] };
        assert_eq!(distances(&ulps), "40 % equal, half within 1, 99 % within 255, all within 1000");
        let one = UlpReport { largest: 5, histogram: vec![0, 0, 0, 1] };
        assert_eq!(distances(&one), "0 % equal, half within 5, 99 % within 5, all within 5");
    }

    #[test]
    fn shares_are_not_rounded_to_all_or_nothing() {
        assert_eq!(
            [0.0, 1e-5, 0.5, 0.123, 0.99999, 1.0].map(percent),
            ["0 %", "< 0.1 %", "50 %", "12.3 %", "> 99.9 %", "100 %"]
        );
    }
}
