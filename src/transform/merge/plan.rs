//! What will be merged into what, decided on the graph as it is.

use super::assemble::{Group, Member, Parts};
use super::constant::Source;
use super::operator::{Kind, Operator};
use super::part::{Host, Part, input};
use super::sum::{Leaf, Sum, sums};
use super::{KeptBranch, Merge, MergeReport};
use crate::graph::constant::Constants;
use crate::graph::{Graph, ValueId};
use std::collections::HashMap;

/// More branches of one input, or constants of one sum, are not looked at for each other: all
/// pairs would be.
const MANY: usize = 100;

/// All merges, by the sum that they are in.
pub(super) struct Plan {
    pub sums: Vec<(Sum, Vec<Group>)>,
    pub report: MergeReport,
}

impl Plan {
    /// Decides about every sum of a graph.
    pub fn new(graph: &Graph) -> Plan {
        let constants = Constants::new(graph);
        let source = Source::new(&constants);
        let mut plan = Plan { sums: Vec::new(), report: MergeReport::default() };
        for sum in sums(graph) {
            let operators: Operators = sum.leaves.iter().map(|leaf| Operator::read(graph, &source, leaf)).collect();
            let mut planner = Planner::new(graph, &source, &sum);
            let groups = planner.groups(&operators);
            plan.report.merges.append(&mut planner.merges);
            plan.report.kept.extend(planner.kept());
            if !groups.is_empty() {
                plan.sums.push((sum, groups));
            }
        }
        plan
    }
}

/// The operators among the leaves of a sum.
type Operators = Vec<Option<Result<Operator, String>>>;

/// The leaves of one sum, and what became of them.
struct Planner<'a> {
    graph: &'a Graph,
    source: &'a Source<'a>,
    sum: &'a Sum,
    /// The leaves that are a value, or are computed from it.
    by_input: HashMap<ValueId, Vec<usize>>,
    constant: Vec<usize>,
    /// Whether a leaf was merged, or never will be.
    settled: Vec<bool>,
    /// Why a leaf was not merged.
    reasons: Vec<Option<String>>,
    merges: Vec<Merge>,
}

impl<'a> Planner<'a> {
    fn new(graph: &'a Graph, source: &'a Source<'a>, sum: &'a Sum) -> Self {
        let mut by_input: HashMap<ValueId, Vec<usize>> = HashMap::new();
        for (index, leaf) in sum.leaves.iter().enumerate() {
            let values = [Some(leaf.value), input(graph, source.constants, leaf)];
            values.into_iter().flatten().for_each(|value| by_input.entry(value).or_default().push(index));
        }
        let count = sum.leaves.len();
        let is_constant = |index: &usize| source.constants.find(sum.leaves[*index].value).is_ok();
        let constant = (0..count).filter(is_constant).take(MANY).collect();
        let (settled, reasons) = (vec![false; count], vec![None; count]);
        Planner { graph, source, sum, by_input, constant, settled, reasons, merges: Vec::new() }
    }

    /// A group for each operator that is in none yet; first those that have a bias of their own.
    fn groups(&mut self, operators: &Operators) -> Vec<Group> {
        let mut groups = Vec::new();
        for with_bias in [true, false] {
            for (index, operator) in operators.iter().enumerate() {
                let Some(Ok(operator)) = operator else { continue };
                if (operator.kind != Kind::MatMul) == with_bias && !self.settled[index] {
                    groups.extend(self.group(index, operator, operators));
                }
            }
        }
        groups
    }

    /// The group of the operator that is this leaf, if it has one.
    fn group(&mut self, own: usize, operator: &Operator, operators: &Operators) -> Option<Group> {
        let parts = self.gather(own, operator, operators);
        if parts.members.len() < 2 {
            return None;
        }
        let parts = self.with_constants(parts);
        let group = parts.assemble(self.graph, self.source);
        let is_tried = |member: &&Member| group.is_ok() || !matches!(member.part, Part::Constant(_));
        for member in parts.members.iter().filter(is_tried) {
            self.settled[member.index] = true;
            self.reasons[member.index] = group.as_ref().err().cloned();
        }
        if group.is_ok() {
            let branches = parts.members.iter().filter(|member| member.index != own);
            let branches = branches.map(|member| label(self.graph, &member.leaf)).collect();
            self.merges.push(Merge { into: self.graph.label(operator.node), operator: operator.kind.name(), branches });
        }
        group.ok()
    }

    /// The operator, and what can be merged into it among the branches of its input.
    fn gather<'o>(&mut self, own: usize, operator: &'o Operator, operators: &'o Operators) -> Parts<'o> {
        let member = |index: usize, part| Member { index, leaf: self.sum.leaves[index], part };
        let first = member(own, Part::Operator(operator));
        let mut parts = Parts { operator, window: operator.window.clone(), members: vec![first] };
        let others = self.by_input.get(&operator.input).into_iter().flatten().take(MANY);
        for index in others.copied().filter(|index| *index != own && !self.settled[*index]) {
            let part = self.part(&self.sum.leaves[index], operator, &operators[index]);
            let joined = part.and_then(|part| Ok((parts.window.join(&part.window(parts.window.axes.len()))?, part)));
            match joined {
                Ok((window, part)) => {
                    parts.window = window;
                    parts.members.push(member(index, part));
                }
                Err(reason) => self.reasons[index] = Some(reason),
            }
        }
        parts
    }

    fn part<'o>(
        &self,
        leaf: &Leaf,
        operator: &Operator,
        other: &'o Option<Result<Operator, String>>,
    ) -> Result<Part<'o>, String> {
        match other {
            // What makes the input itself is not a branch of it.
            Some(other) if leaf.value != operator.input => other.as_ref().map_err(String::clone).and_then(|other| {
                operator.check_alike(other)?;
                Ok(Part::Operator(other))
            }),
            _ => Host { graph: self.graph, source: self.source, operator }.channels(leaf),
        }
    }

    /// What is constant per channel goes into the bias.
    fn with_constants<'o>(&self, mut parts: Parts<'o>) -> Parts<'o> {
        let host = Host { graph: self.graph, source: self.source, operator: parts.operator };
        // The input itself may be constant.
        let taken: Vec<usize> = parts.members.iter().map(|member| member.index).collect();
        for index in self.constant.iter().copied().filter(|index| !self.settled[*index] && !taken.contains(index)) {
            let leaf = self.sum.leaves[index];
            parts.members.extend(host.constant(&leaf).map(|part| Member { index, leaf, part }));
        }
        parts
    }

    fn kept(self) -> impl Iterator<Item = KeptBranch> {
        let sum = self.graph.label(self.sum.nodes[0].0);
        self.sum.leaves.iter().zip(self.reasons).filter_map(move |(leaf, reason)| {
            Some(KeptBranch { sum: sum.clone(), branch: label(self.graph, leaf), reason: reason? })
        })
    }
}

/// The node that makes a leaf, or the value, if no node makes it.
fn label(graph: &Graph, leaf: &Leaf) -> String {
    graph.producer(leaf.value).map_or_else(|| graph.name(leaf.value).to_string(), |node| graph.label(node))
}
