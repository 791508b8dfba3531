//! Whether a value is normalised already, so that a second normalisation would be of no use.

use crate::graph::{NodeId, ValueId};
use crate::operator::Operator;
use crate::passage::hands_on;
use crate::refusal::{Code, Refusal};
use std::collections::BTreeSet;

/// Operators that normalise by mean and variance, or by a norm.
const NORMALISATIONS: [&str; 7] = [
    "BatchNormalization",
    "InstanceNormalization",
    "GroupNormalization",
    "LayerNormalization",
    "RMSNormalization",
    "MeanVarianceNormalization",
    "LpNormalization",
];

/// Operators that move elements about: what normalises behind them does so here.
const MOVES: [&str; 7] = ["Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Cast", "Slice"];

/// How many nodes are looked at.
const MOST: usize = 64;

/// Checks that nothing behind a value normalises it: neither at once, nor behind nodes that only move
/// elements, nor behind the activation (whose nodes are given).
///
/// # Errors
/// The refusal.
pub fn check_behind(op: &Operator, value: ValueId, activation: &[NodeId]) -> Result<(), Refusal> {
    let (mut next, mut seen) = (vec![value], BTreeSet::new());
    while let Some(value) = next.pop() {
        for reader in op.graph.value(value).uses.iter().take(MOST) {
            let reader_op = Operator { node: reader.node, ..*op };
            if reader.slot == 0 && NORMALISATIONS.contains(&reader_op.name()) {
                return Err(refusal(&reader_op));
            }
            let leads_on = passes(&reader_op) && reader.slot == 0 || activation.contains(&reader.node);
            if leads_on && seen.len() < MOST && seen.insert(reader.node) {
                next.extend(reader_op.output(0));
            }
        }
    }
    Ok(())
}

/// Checks that nothing before a value has just normalised it.
///
/// # Errors
/// The refusal.
pub fn check_before(op: &Operator, value: ValueId) -> Result<(), Refusal> {
    let mut value = Some(value);
    for _ in 0..MOST {
        let Some(producer) = value.and_then(|value| op.graph.producer(value)) else { break };
        let producer_op = Operator { node: producer, ..*op };
        if NORMALISATIONS.contains(&producer_op.name()) {
            return Err(refusal(&producer_op));
        }
        if !passes(&producer_op) {
            break;
        }
        value = producer_op.input(0);
    }
    Ok(())
}

fn passes(op: &Operator) -> bool {
    hands_on(op) || MOVES.contains(&op.name())
}

fn refusal(op: &Operator) -> Refusal {
    op.refuse(Code::AlreadyNormalised, format!("{} normalises the value already", op.label()))
}
