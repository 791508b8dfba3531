//! The search on random graphs, against all that is there to be known.

use super::parsed;
use crate::onnx::schema::ModelProto;
use crate::verify::locate::candidates::Candidates;
use crate::verify::locate::search::Search;
use crate::verify::locate::skeleton::Skeleton;
use crate::verify::locate::trial::{Evidence, Finding};
use crate::verify::locate::walk::Twins;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use std::collections::HashSet;

/// What each node reads; value 0 is the input, node i makes value i + 1. The last value is the output.
struct Network {
    reads: Vec<Vec<usize>>,
    /// Nodes that give something else in the result, whatever they are given.
    faulty: Vec<bool>,
    /// Nodes that give the same whatever they are given.
    masks: Vec<bool>,
    /// Values whose names are the same in both.
    paired: Vec<bool>,
}

impl Network {
    fn new(random: &mut Pcg64, masks: bool) -> Self {
        let count = random.random_range(3..60);
        let reads = (0..count).map(|node| {
            let near = |random: &mut Pcg64| random.random_range(node.max(4) - 4..=node);
            (0..random.random_range(1..3)).map(|_| near(random)).collect()
        });
        let reads = reads.collect();
        let faults = random.random_range(0.0..0.1);
        let pairs = random.random_range(0.2..1.0);
        let mut draw = |share: f64| (0..count).map(|_| random.random_bool(share)).collect::<Vec<bool>>();
        let (faulty, paired) = (draw(faults), draw(pairs));
        Network { reads, faulty, masks: draw(if masks { 0.3 } else { 0.0 }), paired }
    }

    fn model(&self, is_result: bool) -> ModelProto {
        let count = self.reads.len();
        let name = |value: usize| match value {
            0 => "x".into(),
            value if value == count => "y".into(),
            value if is_result && !self.paired[value - 1] => format!("other{value}"),
            value => format!("v{value}"),
        };
        let nodes = self.reads.iter().enumerate().map(|(node, reads)| {
            let reads: Vec<String> = reads.iter().map(|value| name(*value)).collect();
            format!("{} = Sum ({})\n", name(node + 1), reads.join(", "))
        });
        parsed(&format!("g (float[1] x) => (float[1] y) {{ {} }}", nodes.collect::<String>()))
    }

    /// Which values differ.
    fn differs(&self) -> Vec<bool> {
        let mut differs = vec![false];
        for (node, reads) in self.reads.iter().enumerate() {
            let inherited = !self.masks[node] && reads.iter().any(|value| differs[*value]);
            differs.push(self.faulty[node] || inherited);
        }
        differs
    }

    /// The nearest pairs before a value.
    fn nearest(&self, value: usize) -> HashSet<usize> {
        let reads = if value == 0 { &[][..] } else { &self.reads[value - 1] };
        let of = |read: &usize| match *read {
            0 => HashSet::from([0]),
            read if self.paired[read - 1] => HashSet::from([read]),
            read => self.nearest(read),
        };
        reads.iter().flat_map(of).collect()
    }

    /// The value that a search finds, and how many were compared.
    fn search(&self) -> (Option<usize>, usize) {
        let models = [self.model(false), self.model(true)];
        let graphs = [&Skeleton::new(&models[0]), &Skeleton::new(&models[1])];
        let candidates = Candidates::new(graphs, &[]);
        let differs = self.differs();
        // Values are numbered as here: there are no initializers.
        let of = |pair: usize| candidates.pairs[pair][0];
        let finding = |pair: &usize| match differs[of(*pair)] {
            false => Finding::Same { max_rel: 0.0, f64: None },
            true => Finding::Differs(Box::new(evidence())),
        };
        let run = |pairs: &[usize]| Ok(pairs.iter().map(finding).collect());
        let mut search = Search::new(Twins { graphs, candidates: &candidates }, &run, &|_, _| {});
        let found = search.first().expect("runs");
        if let Some(found) = found {
            let agreeing: Vec<usize> = search.agreeing(found).into_iter().map(of).collect();
            assert!(agreeing.iter().all(|value| !differs[*value]));
        }
        (found.map(of), search.compared)
    }
}

fn evidence() -> Evidence {
    let array =
        crate::engine::Array::floats(crate::onnx::element::FloatType::F32, vec![1], &[0.0]).expect("consistent");
    let statistics = crate::verify::locate::Statistics::of(&array);
    Evidence { statistics: [statistics.clone(), statistics], difference: None }
}

#[test]
fn what_is_found_differs_and_nothing_before_it_does() {
    let mut random = Pcg64::seed_from_u64(1);
    let mut some = 0;
    for _ in 0..2000 {
        let network = Network::new(&mut random, false);
        let (differs, output) = (network.differs(), network.reads.len());
        let (found, compared) = network.search();
        assert_eq!(found.is_some(), differs[output]);
        assert!(compared <= output, "each at most once");
        if let Some(found) = found {
            assert!(differs[found] && network.nearest(found).iter().all(|value| !differs[*value]));
            some += 1;
        }
    }
    assert!(some > 300, "{some}");
}

#[test]
fn where_differences_vanish_again_something_is_found_all_the_same() {
    let mut random = Pcg64::seed_from_u64(2);
    let mut some = 0;
    for _ in 0..2000 {
        let network = Network::new(&mut random, true);
        let (differs, output) = (network.differs(), network.reads.len());
        let (found, _) = network.search();
        assert_eq!(found.is_some(), differs[output]);
        assert!(found.is_none_or(|found| differs[found]));
        some += usize::from(found.is_some());
    }
    assert!(some > 100, "{some}");
}
