//! Figures before and after.

use crate::diff::report::{Figure, GraphDiff, ModelDiff, NodeEntry};

/// Of more operators, those that changed most are shown.
const OPERATORS: usize = 8;

/// How many of what changed, and figures that differ. Changes that are neither nodes nor constants
/// are counted where they are not listed (`all`).
pub fn summary_lines(diff: &ModelDiff, all: bool) -> Vec<String> {
    let lines = [changes(diff, all), figures(diff).join(" · ")];
    lines.into_iter().filter(|line| !line.is_empty()).collect()
}

/// `nodes 16 → 12`, `BatchNormalization 4 → 0` …
fn figures(diff: &ModelDiff) -> Vec<String> {
    let summary = &diff.summary;
    let figure = |what: &str, figure: Figure| {
        (figure.before != figure.after).then(|| format!("{what} {} → {}", figure.before, figure.after))
    };
    let mut operators: Vec<_> = summary.operators.iter().collect();
    operators.sort_by_key(|entry| std::cmp::Reverse(entry.count.before.abs_diff(entry.count.after)));
    let more = operators.len().saturating_sub(OPERATORS);
    let mut figures: Vec<String> = figure("nodes", summary.nodes).into_iter().collect();
    let shown = operators.iter().take(OPERATORS);
    figures.extend(shown.filter_map(|entry| figure(&super::words::name(&entry.operator), entry.count)));
    figures.extend((more > 0).then(|| format!("{more} more operators")));
    figures.extend(figure("parameters", summary.parameters));
    figures.extend(figure("bytes", summary.bytes));
    figures
}

/// `4 nodes removed, 4 changed · 16 initializers removed`.
fn changes(diff: &ModelDiff, all: bool) -> String {
    let mut nodes = [0; 3];
    let mut constants = [0; 3];
    for graph in &diff.graphs {
        for entry in &graph.nodes {
            match entry {
                NodeEntry::Removed(_) => nodes[0] += 1,
                NodeEntry::Added(_) => nodes[1] += 1,
                NodeEntry::Changed(_) => nodes[2] += 1,
                NodeEntry::Unchanged(_) | NodeEntry::Skipped { .. } => {}
            }
        }
        for tensor in &graph.initializers {
            let place = match (&tensor.name.before, &tensor.name.after) {
                (Some(_), None) => 0,
                (None, Some(_)) => 1,
                _ => 2,
            };
            constants[place] += 1;
        }
    }
    let others = match if all { others(diff) } else { 0 } {
        0 => String::new(),
        1 => "1 other change".into(),
        count => format!("{count} other changes"),
    };
    let lists = [counted("node", nodes), counted("constant", constants), others];
    lists.into_iter().filter(|list| !list.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// Changes that are neither nodes nor constants.
fn others(diff: &ModelDiff) -> usize {
    let of_graph =
        |graph: &GraphDiff| graph.fields.len() + graph.inputs.len() + graph.outputs.len() + graph.values.len();
    let hidden = diff.hidden.as_ref().map_or(0, |hidden| hidden.count);
    diff.fields.len() + hidden + diff.graphs.iter().map(of_graph).sum::<usize>()
}

fn counted(what: &str, counts: [usize; 3]) -> String {
    let verbs = ["removed", "added", "changed"];
    let mut words: Vec<String> = Vec::new();
    for (count, verb) in counts.into_iter().zip(verbs).filter(|(count, _)| *count > 0) {
        let noun = match (words.is_empty(), count) {
            (true, 1) => format!(" {what}"),
            (true, _) => format!(" {what}s"),
            (false, _) => String::new(),
        };
        words.push(format!("{count}{noun} {verb}"));
    }
    words.join(", ")
}
