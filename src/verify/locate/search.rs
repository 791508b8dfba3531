//! The search for the first pair that differs.

use super::trial::{Evidence, Failure, Finding};
use super::walk::Twins;
use crate::verify::VerifyError;
use std::collections::BTreeSet;

/// So many values are computed at once: ten thousand pairs take five runs, of a hundred or so
/// three, and little has to be in memory.
const AT_ONCE: usize = 8;

/// What is known of a pair.
pub enum Verdict {
    /// Nothing yet.
    Open,
    /// It is the same: the largest differences, relative and in f64.
    Same(f64, Option<f64>),
    /// It differs.
    Differs(Box<Evidence>),
    /// It differs, but nothing that is computed from it does: so it was meant to be. A fold through
    /// a Reshape scales what goes into the Reshape.
    Undone,
    /// The engine cannot compute it.
    Silent,
}

/// Runs both models up to some pairs.
pub type Run<'x> = dyn Fn(&[usize]) -> Result<Vec<Finding>, Failure> + 'x;

/// A search.
pub struct Search<'x, 'm> {
    /// The graphs and the pairs.
    pub twins: Twins<'x, 'm>,
    /// What is known.
    pub verdicts: Vec<Verdict>,
    /// How many pairs were compared.
    pub compared: usize,
    run: &'x Run<'x>,
    progress: &'x (dyn Fn(usize, usize) + Sync),
}

impl<'x, 'm> Search<'x, 'm> {
    pub fn new(twins: Twins<'x, 'm>, run: &'x Run<'x>, progress: &'x (dyn Fn(usize, usize) + Sync)) -> Self {
        let candidates = twins.candidates;
        let verdict = |pair| if pair < candidates.inputs { Verdict::Same(0.0, None) } else { Verdict::Open };
        let verdicts = (0..candidates.pairs.len()).map(verdict).collect();
        Search { twins, verdicts, compared: 0, run, progress }
    }

    /// The first pair that differs and makes an output differ, if one does.
    ///
    /// # Errors
    /// When the outputs cannot be computed.
    pub fn first(&mut self) -> Result<Option<usize>, VerifyError> {
        self.compare_outputs()?;
        loop {
            let outputs = self.twins.candidates.outputs.iter().copied();
            let Some(output) = outputs.filter(|output| self.differs(*output)).min() else { return Ok(None) };
            let found = self.first_before(output);
            if found == output || !self.is_undone(found) {
                return Ok(Some(found));
            }
        }
    }

    /// The nearest pairs before one that are the same.
    pub fn agreeing(&self, pair: usize) -> Vec<usize> {
        let mut agreeing = BTreeSet::new();
        self.twins.before(pair, &mut |other| {
            let is_same = matches!(self.verdicts[other], Verdict::Same(..));
            is_same.then(|| agreeing.insert(other));
            !is_same
        });
        agreeing.into_iter().collect()
    }

    fn compare_outputs(&mut self) -> Result<(), VerifyError> {
        let outputs: BTreeSet<usize> = self.twins.candidates.outputs.iter().copied().collect();
        let open: Vec<usize> = outputs.into_iter().filter(|output| self.is_open(*output)).collect();
        for some in open.chunks(AT_ONCE) {
            let findings = (self.run)(some).map_err(|failure| match failure {
                Failure::Original(error) => VerifyError::original(error),
                Failure::Result(error) => VerifyError::result(error),
            })?;
            self.note(some, findings);
        }
        Ok(())
    }

    /// The first pair that differs among those before one that does. What is before a pair that
    /// is the same does not count: it cannot be why this one differs, or only by another way.
    fn first_before(&mut self, mut pair: usize) -> usize {
        loop {
            let (mut open, mut differing) = (Vec::new(), None);
            self.twins.before(pair, &mut |other| {
                match self.verdicts[other] {
                    Verdict::Open => open.push(other),
                    Verdict::Differs(_) => differing = differing.min(Some(other)).or(Some(other)),
                    _ => {}
                }
                !matches!(self.verdicts[other], Verdict::Same(..))
            });
            match differing {
                Some(earlier) => pair = earlier,
                None if open.is_empty() => return pair,
                None => {
                    open.sort_unstable();
                    self.compare(&spread(&open));
                }
            }
        }
    }

    /// Whether all that is computed from a pair that differs is the same again, before anything
    /// comes that makes an output differ. If so, it and what is between is taken for meant.
    fn is_undone(&mut self, pair: usize) -> bool {
        let mut near = Vec::new();
        self.twins.behind(pair, &mut |other| {
            let is_open = self.is_open(other);
            (is_open && near.len() < AT_ONCE).then(|| near.push(other));
            !matches!(self.verdicts[other], Verdict::Same(..))
        });
        self.compare(&near);
        let (mut between, mut reaches_output) = (vec![pair], false);
        self.twins.behind(pair, &mut |other| {
            let passes = !matches!(self.verdicts[other], Verdict::Same(..));
            reaches_output |= passes && self.twins.candidates.outputs.contains(&other);
            passes.then(|| between.push(other));
            passes
        });
        if !reaches_output {
            let differing = between.into_iter().filter(|pair| !matches!(self.verdicts[*pair], Verdict::Silent));
            differing.collect::<Vec<_>>().into_iter().for_each(|pair| self.verdicts[pair] = Verdict::Undone);
        }
        !reaches_output
    }

    /// Compares pairs; those that make a run fail are left out from then on.
    fn compare(&mut self, pairs: &[usize]) {
        if pairs.is_empty() {
            return;
        }
        match (self.run)(pairs) {
            Ok(findings) => self.note(pairs, findings),
            Err(_) if pairs.len() == 1 => self.verdicts[pairs[0]] = Verdict::Silent,
            Err(_) => pairs.chunks(pairs.len().div_ceil(2)).for_each(|half| self.compare(half)),
        }
    }

    fn note(&mut self, pairs: &[usize], findings: Vec<Finding>) {
        self.compared += findings.len();
        for (pair, finding) in pairs.iter().zip(findings) {
            self.verdicts[*pair] = match finding {
                Finding::Same { max_rel, f64 } => Verdict::Same(max_rel, f64),
                Finding::Differs(evidence) => Verdict::Differs(evidence),
            };
        }
        (self.progress)(self.compared, self.verdicts.len() - self.twins.candidates.inputs);
    }

    fn is_open(&self, pair: usize) -> bool {
        matches!(self.verdicts[pair], Verdict::Open)
    }

    fn differs(&self, pair: usize) -> bool {
        matches!(self.verdicts[pair], Verdict::Differs(_))
    }
}

/// Some of many, with as many between each of them.
fn spread(pairs: &[usize]) -> Vec<usize> {
    if pairs.len() <= AT_ONCE {
        return pairs.to_vec();
    }
    (1..=AT_ONCE).map(|part| pairs[part * pairs.len() / (AT_ONCE + 1)]).collect()
}
