//! Where two models begin to differ, for people.

use super::verify::percent;
use super::words::{BAD, BOLD, DIM};
use crate::report::printable;
use crate::report::table::{Cell, render};
use crate::verify::locate::{Agreement, Location, NodeName, Place, Statistics, Touched, ValueDifference};

/// Of more than so many nodes or values the rest is counted.
const SHOWN: usize = 8;

/// The value, what it is in both models, up to where they agree, and what differs in between.
pub fn location(location: &Location) -> String {
    let Location { original, result, .. } = location;
    let mut rows =
        vec![row("original", statistics(&original.statistics)), row("result", statistics(&result.statistics))];
    rows.push(match &location.difference {
        Some(difference) => row("differs by", figures(difference)),
        None => row("differs", "in shape or type".into()),
    });
    if let Some(worst) = location.difference.as_ref().and_then(|difference| difference.worst.as_ref()) {
        let text = format!("{:?} is {} where the original has {}", worst.index, worst.result, worst.original);
        rows.push(row("worst at", text));
    }
    let agreeing = some(location.agreeing.iter().map(agreement).collect());
    rows.push(row("the same", if agreeing.is_empty() { "nothing before it".into() } else { agreeing.join(", ") }));
    let touched = some(location.touched.iter().map(touched).collect());
    let titles = std::iter::once("between").chain(std::iter::repeat(""));
    rows.extend(titles.zip(touched).map(|(title, line)| row(title, line)));
    if location.touched.is_empty() {
        rows.push(row("between", "no node or constant differs: the same operators give something else".into()));
    }
    let what = if location.is_output { "output" } else { "value" };
    let title = format!("{BAD}the first {what} that differs{BAD:#} is {BOLD}{}{BOLD:#}", names(original, result));
    format!("{title}, made by {}\n{}", makers(original, result), render(&rows))
}

fn row(title: &str, text: String) -> Vec<Cell> {
    vec![Cell::styled(title, DIM), Cell::text(text)]
}

fn names(original: &Place, result: &Place) -> String {
    let (a, b) = (printable(&original.value), printable(&result.value));
    if a == b { a } else { format!("{a} (in the result {b})") }
}

fn makers(original: &Place, result: &Place) -> String {
    let nothing = || "no node".to_owned();
    let [a, b] = [&original.node, &result.node].map(|node| node.as_ref().map_or_else(nothing, node_name));
    if a == b { a } else { format!("{a} (in the result by {b})") }
}

fn node_name(node: &NodeName) -> String {
    format!("{} {}", printable(&node.operator), printable(&node.name))
}

fn statistics(statistics: &Statistics) -> String {
    let Statistics { element, shape, min, max, mean, std, nan, infinite } = statistics;
    let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
    let mut text = format!("{element}[{}]", shape.join(","));
    for (name, figure) in [("min", min), ("max", max), ("mean", mean), ("std", std)] {
        text += &figure.map_or(String::new(), |figure| format!(", {name} {figure:.4}"));
    }
    for (count, what) in [(nan, "NaN"), (infinite, "infinite")] {
        text += &if *count > 0 { format!(", {count} {what}") } else { String::new() };
    }
    text
}

fn figures(difference: &ValueDifference) -> String {
    let ValueDifference { max_abs, max_rel, mismatched, .. } = difference;
    let mut text = format!("max abs {max_abs:.2e}, max rel {max_rel:.2e}");
    if *mismatched > 0.0 {
        text += &format!(", {} of elements beyond the tolerance", percent(*mismatched));
    }
    match &difference.f64 {
        Some(f64) if f64.error > f64.limit => {
            text + &format!("; in f64 by {:.1e}, where rounding explains {:.1e}", f64.error, f64.limit)
        }
        _ => text,
    }
}

fn agreement(agreement: &Agreement) -> String {
    let Agreement { original, result, max_rel, .. } = agreement;
    let other = if original == result { String::new() } else { format!(" (in the result {})", printable(result)) };
    let within = if *max_rel == 0.0 { "exactly".into() } else { format!("within {max_rel:.1e}") };
    format!("{}{other} {within}", printable(original))
}

/// `BatchNormalization bn is gone`, `Conv c: W, b changed`.
fn touched(touched: &Touched) -> String {
    let place = if touched.path.is_empty() { String::new() } else { format!("in {}: ", printable(&touched.path)) };
    let what = match (&touched.original, &touched.result) {
        (Some(node), None) => format!("{} is gone", node_name(node)),
        (None, Some(node)) => format!("{} is new", node_name(node)),
        (Some(old), Some(new)) => {
            let old_name = node_name(old);
            let new_name = if old == new { String::new() } else { format!(" (now {})", node_name(new)) };
            format!("{old_name}{new_name}: {}", changes(touched))
        }
        (None, None) => String::new(),
    };
    place + &what
}

fn changes(touched: &Touched) -> String {
    let constant = |constant: &crate::verify::locate::TouchedConstant| {
        let name = printable(&constant.name);
        match constant.difference {
            _ if constant.is_new => format!("{name} is new"),
            Some(difference) => format!("{name} changed by up to {:.2e}", difference.max_abs),
            None => format!("{name} changed"),
        }
    };
    let constants = some(touched.constants.iter().map(constant).collect());
    if constants.is_empty() { "its inputs or attributes changed".into() } else { constants.join(", ") }
}

/// The first of many, and how many more there are.
fn some(mut all: Vec<String>) -> Vec<String> {
    let more = all.len().saturating_sub(SHOWN);
    all.truncate(SHOWN);
    all.extend((more > 0).then(|| format!("and {more} more")));
    all
}
