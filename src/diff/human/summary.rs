//! Figures before and after.

use crate::diff::report::{Figure, ModelDiff, NodeEntry};

/// How many of what changed, and figures that differ.
pub fn summary(diff: &ModelDiff) -> String {
    let lines = [changes(diff), figures(diff, 8).join(" · ")];
    let lines = lines.iter().filter(|line| !line.is_empty()).map(|line| format!("  {line}\n"));
    lines.collect()
}

/// `nodes 16 → 12`, `BatchNormalization 4 → 0` …; of many operators those that changed most.
pub fn figures(diff: &ModelDiff, most: usize) -> Vec<String> {
    let summary = &diff.summary;
    let figure = |what: &str, figure: Figure| {
        (figure.before != figure.after).then(|| format!("{what} {} → {}", figure.before, figure.after))
    };
    let mut operators: Vec<_> = summary.operators.iter().collect();
    operators.sort_by_key(|entry| std::cmp::Reverse(entry.count.before.abs_diff(entry.count.after)));
    let more = operators.len().saturating_sub(most);
    let mut figures: Vec<String> = figure("nodes", summary.nodes).into_iter().collect();
    let shown = operators.iter().take(most);
    figures.extend(shown.filter_map(|entry| figure(&super::words::name(&entry.operator), entry.count)));
    figures.extend((more > 0).then(|| format!("{more} more operators")));
    figures.extend(figure("parameters", summary.parameters));
    figures.extend(figure("bytes", summary.bytes));
    figures
}

/// `4 nodes removed, 4 changed · 16 initializers removed`.
fn changes(diff: &ModelDiff) -> String {
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
    let lists = [counted("node", nodes), counted("constant", constants)];
    lists.into_iter().filter(|list| !list.is_empty()).collect::<Vec<_>>().join(" · ")
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
