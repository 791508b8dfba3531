//! Measuring what comes into BatchNormalizations while a model runs over data.

use super::moments::Moments;
use crate::data::{DataError, Dataset};
use crate::engine::tap::{ATTRIBUTE, Plane};
use crate::engine::{EngineError, Session, Worker};
use crate::onnx::access::text;
use crate::onnx::element::FloatType;
use crate::onnx::schema::{AttributeProto, GraphProto, ModelProto, NodeProto};
use bstr::ByteSlice;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Samples are added up in so many blocks, and these in their order: the sums do not depend on which
/// thread did what.
const BLOCKS: usize = 64;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The model does not run.
    #[error("the model cannot be run, so that nothing is measured: {0}")]
    Engine(#[from] EngineError),
    /// The data cannot be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Nothing came into a BatchNormalization: it is in a branch that was not taken, or a function.
    #[error("nothing comes into `{norm}` on this data")]
    Unseen {
        /// The BatchNormalization.
        norm: String,
    },
    /// What came in is not finite.
    #[error("what comes into `{norm}` on this data is not finite")]
    NotFinite {
        /// The BatchNormalization.
        norm: String,
    },
}

/// The moments of what comes into the BatchNormalizations of these names, over all samples: batch and
/// spatial axes together, channel by channel. `threads` is 0 for all; `progress` is told how many
/// samples are done, and of how many.
///
/// # Errors
/// When the model does not run, the data cannot be read, or one of the nodes sees nothing, or
/// something that is not finite.
pub fn measure(
    model: &ModelProto,
    norms: &[&str],
    data: &dyn Dataset,
    threads: usize,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<BTreeMap<String, Moments>, MeasureError> {
    let taps: BTreeMap<&str, usize> = norms.iter().enumerate().map(|(tap, norm)| (*norm, tap)).collect();
    let mut tapped = model.clone();
    tapped.graph.iter_mut().for_each(|graph| number(graph, &taps));
    let session = Session::compile(&tapped, &data.shapes(), Some(FloatType::F32))?;
    drop(tapped);
    let run = Run { session, data, taps: norms.len(), progress, done: AtomicUsize::new(0) };
    let seen = run.all(threads)?;
    norms.iter().zip(seen).map(|(norm, moments)| Ok(((*norm).to_owned(), checked(norm, moments)?))).collect()
}

fn checked(norm: &str, moments: Option<Moments>) -> Result<Moments, MeasureError> {
    let moments = moments.ok_or_else(|| MeasureError::Unseen { norm: norm.into() })?;
    if moments.are_finite() { Ok(moments) } else { Err(MeasureError::NotFinite { norm: norm.into() }) }
}

/// Numbers the nodes of these names, in subgraphs too.
fn number(graph: &mut GraphProto, taps: &BTreeMap<&str, usize>) {
    for node in &mut graph.node {
        let name = text(&node.name).to_str_lossy();
        if let Some(tap) = taps.get(&*name).copied().filter(|_| is_norm(node)) {
            node.attribute.push(AttributeProto::int(ATTRIBUTE, tap as i64));
        }
        node.subgraphs_mut().for_each(|graph| number(graph, taps));
    }
}

fn is_norm(node: &NodeProto) -> bool {
    node.standard_op() == "BatchNormalization"
}

/// What one block of samples, or all, showed at each tap.
type Seen = Vec<Option<Moments>>;

struct Run<'a> {
    session: Session,
    data: &'a dyn Dataset,
    taps: usize,
    progress: &'a (dyn Fn(usize, usize) + Sync),
    done: AtomicUsize,
}

impl Run<'_> {
    fn all(&self, threads: usize) -> Result<Seen, MeasureError> {
        let threads = if threads == 0 { thread::available_parallelism().map_or(1, usize::from) } else { threads };
        let blocks = self.data.runs().min(BLOCKS);
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<Option<Seen>>> = Mutex::new(vec![None; blocks]);
        let work = || -> Result<(), MeasureError> {
            let mut worker = self.session.worker()?;
            loop {
                let block = next.fetch_add(1, Ordering::Relaxed);
                if block >= blocks {
                    return Ok(());
                }
                // An error ends the work of the other threads, too.
                let seen = self.block(&mut worker, block, blocks);
                let seen = seen.inspect_err(|_| next.store(blocks, Ordering::Relaxed))?;
                results.lock().unwrap_or_else(PoisonError::into_inner)[block] = Some(seen);
            }
        };
        thread::scope(|scope| -> Result<(), MeasureError> {
            // As many others as can be had.
            let others = (1..threads.min(blocks)).map(|_| thread::Builder::new().spawn_scoped(scope, work));
            let others: Vec<_> = others.map_while(Result::ok).collect();
            let own = work();
            let died = |_| MeasureError::Engine(EngineError::Graph { what: "a thread died".into() });
            others.into_iter().try_fold(own?, |(), other| other.join().map_err(died)?)
        })?;
        let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(results.into_iter().flatten().fold(vec![None; self.taps], merged))
    }

    /// The samples of one block, one after the other.
    fn block(&self, worker: &mut Worker, block: usize, blocks: usize) -> Result<Seen, MeasureError> {
        let samples = self.data.runs();
        let seen: Rc<RefCell<Seen>> = Rc::new(RefCell::new(vec![None; self.taps]));
        for sample in block * samples / blocks..(block + 1) * samples / blocks {
            let inputs = self.data.run(sample)?.inputs;
            let own = Rc::clone(&seen);
            worker.run_tapped(&inputs, Box::new(move |plane| add(&mut own.borrow_mut(), plane)))?;
            (self.progress)(self.done.fetch_add(1, Ordering::Relaxed) + 1, samples);
        }
        Ok(seen.take())
    }
}

fn add(seen: &mut Seen, plane: Plane) {
    if let Some(moments) = seen.get_mut(plane.tap) {
        moments.get_or_insert_with(|| Moments::new(plane.channels)).add(plane.channel, plane.values);
    }
}

fn merged(mut all: Seen, later: Seen) -> Seen {
    for (own, later) in all.iter_mut().zip(later) {
        match (own.as_mut(), later) {
            (Some(own), Some(later)) => own.merge(&later),
            (None, later) => *own = later,
            _ => {}
        }
    }
    all
}
