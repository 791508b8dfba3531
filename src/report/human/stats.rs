//! What `stats merge` did and what `stats show` found, for people.

use super::words::{BAD, BOLD, DIM, GOOD, GROUP_ABOVE, KEPT};
use crate::report::stats::{SeenData, ShownNorm, StatisticsOf};
use crate::report::table::{Cell, render};
use crate::report::{MergeSummary, StatisticsSummary, printable};

/// What was merged, of what, and whether it converged.
pub fn merged(summary: &MergeSummary) -> String {
    let MergeSummary { parts, norms, of, .. } = summary;
    let parts = count(*parts, "part");
    let head = format!("{BOLD}merged {parts}: {}, {norms} BatchNormalization{BOLD:#}\n", count(of.samples, "sample"));
    let written = format!("wrote {}\n", printable(&summary.written));
    head + &origin(of) + &residual(of) + &verdict(summary) + &written
}

/// What a file holds: what the statistics are of, and a line per BatchNormalization.
pub fn statistics(summary: &StatisticsSummary, all: bool) -> String {
    let StatisticsSummary { of, norms, .. } = summary;
    let file = printable(&summary.file);
    let head = format!("{BOLD}{file}{BOLD:#}\n{}, by bn-tool {}\n", count(of.samples, "sample"), printable(of.tool));
    let shown = if all || norms.len() <= GROUP_ABOVE { norms.len() } else { GROUP_ABOVE };
    let titles = ["BatchNormalization", "channels", "count", "mean", "σ", "residual"];
    let mut rows: Vec<Vec<Cell>> = vec![titles.map(|title| Cell::styled(title, DIM)).into()];
    rows.extend(norms[..shown].iter().map(row));
    let more = match norms.len() - shown {
        0 => String::new(),
        more => format!("{DIM}  {more} more (-v lists all){DIM:#}\n"),
    };
    head + &origin(of) + &residual(of) + &render(&rows) + &more
}

fn count(number: impl TryInto<u64>, what: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Model, method, pass and data.
fn origin(of: &StatisticsOf) -> String {
    let group = of.group.map_or(String::new(), |group| format!(" in groups of {group}"));
    let StatisticsOf { method, pass, .. } = of;
    let head = format!("model {} · {method}, pass {pass}{group}\n", printable(of.model));
    of.data.iter().fold(head, |text, data| text + &data_lines(data))
}

/// The files of one dataset, and how much of it was seen.
fn data_lines(SeenData { manifest, coverage }: &SeenData) -> String {
    let inputs = manifest.inputs.iter().map(|input| {
        let files: Vec<String> = input.files.iter().map(|file| printable(&file.path)).collect();
        let preprocessing = printable(&input.preprocessing);
        let preprocessing = if preprocessing.is_empty() { preprocessing } else { format!(" ({preprocessing})") };
        format!("{} from {}{preprocessing}", printable(&input.name), files.join(", "))
    });
    let inputs = inputs.collect::<Vec<_>>().join("; ");
    let seen = match (coverage.is_complete(), coverage.shards) {
        (true, 1) => String::new(),
        (true, shards) => format!(" · {GOOD}all {shards} shards{GOOD:#}"),
        (false, shards) => {
            let named = coverage.missing.iter().map(|index| format!("{index}/{shards}")).collect::<Vec<_>>().join(", ");
            let more = if shards - coverage.seen > coverage.missing.len() { " …" } else { "" };
            format!(" · {KEPT}incomplete: {} of {shards} shards, without {named}{more}{KEPT:#}", coverage.seen)
        }
    };
    format!("data {inputs}{seen}\n")
}

fn residual(of: &StatisticsOf) -> String {
    match of.residual.zip(of.worst) {
        Some((residual, worst)) => format!("residual {} at {}\n", figure(residual), printable(worst)),
        None => format!("{DIM}no residual: nothing was in place{DIM:#}\n"),
    }
}

fn verdict(summary: &MergeSummary) -> String {
    let Some((converged, tolerance)) = summary.converged.zip(summary.tolerance) else { return String::new() };
    let tolerance = figure(tolerance);
    match converged {
        true => format!("{GOOD}converged: within {tolerance}{GOOD:#}\n"),
        false => format!("{BAD}not converged to {tolerance}: another pass is needed{BAD:#}\n"),
    }
}

fn row(norm: &ShownNorm) -> Vec<Cell> {
    let counts = norm.count.map_or_else(String::new, |[least, most]| match least == most {
        true => least.to_string(),
        false => format!("{least} … {most}"),
    });
    let range = |range: Option<[f64; 2]>| range.map_or_else(String::new, |range| range.map(figure).join(" … "));
    vec![
        Cell::text(norm.name),
        Cell::number(Some(norm.channels)),
        Cell::text(counts),
        Cell::text(range(norm.mean)),
        Cell::text(range(norm.deviation)),
        Cell::text(norm.residual.map_or_else(String::new, figure)),
    ]
}

/// A number with four digits.
fn figure(number: f64) -> String {
    match number.abs() {
        0.0 => "0".into(),
        size if (1e-3..1e5).contains(&size) => {
            let decimals = (3 - size.log10().floor() as i32).max(0) as usize;
            format!("{number:.decimals$}")
        }
        _ => format!("{number:.3e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_four_digits() {
        let shown = [0.0, 1.0, -0.012_345_6, 1234.5, 99_999.4, 1e-5, f64::INFINITY].map(figure);
        assert_eq!(shown, ["0", "1.000", "-0.01235", "1234", "99999", "1.000e-5", "inf"]);
    }
}
