//! Work on many items by several threads, with results that do not depend on how many there are.

use super::MeasureError;
use crate::data::{DataError, Dataset, Run};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// How many threads that is; 0 is one per core.
pub fn threads(wanted: usize) -> usize {
    if wanted == 0 { thread::available_parallelism().map_or(1, usize::from) } else { wanted }
}

/// Results that are taken in the order of their items, however they come.
struct InOrder<T, F> {
    next: usize,
    early: BTreeMap<usize, T>,
    take: F,
}

impl<T, F: FnMut(usize, T)> InOrder<T, F> {
    fn add(&mut self, index: usize, result: T) {
        self.early.insert(index, result);
        while let Some(result) = self.early.remove(&self.next) {
            (self.take)(self.next, result);
            self.next += 1;
        }
    }
}

/// Does `work` on the numbers `0..count`; `take` gets the results, in order. An error ends all.
///
/// # Errors
/// The first error that `work` gave.
pub fn in_order<W: Send, T: Send>(
    workers: &mut [W],
    count: usize,
    work: impl Fn(&mut W, usize) -> Result<T, MeasureError> + Sync,
    take: impl FnMut(usize, T) + Send,
) -> Result<(), MeasureError> {
    let next = AtomicUsize::new(0);
    let source = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|index| *index < count).map(|index| (index, ()));
    let sources = vec![source; workers.len()];
    all(workers, sources, &AtomicBool::new(false), |worker, index, ()| work(worker, index), take)
}

/// As [`in_order`], on the runs of a range, which other threads read before they are wanted.
///
/// # Errors
/// The first error that reading or `work` gave.
pub fn on_runs<W: Send, T: Send>(
    workers: &mut [W],
    data: &dyn Dataset,
    runs: Range<usize>,
    work: impl Fn(&mut W, usize, Run) -> Result<T, MeasureError> + Sync,
    take: impl FnMut(usize, T) + Send,
) -> Result<(), MeasureError> {
    let stop = AtomicBool::new(false);
    let next = AtomicUsize::new(0);
    let (sender, receiver) = sync_channel::<(usize, Result<Run, DataError>)>(workers.len());
    thread::scope(|scope| {
        let readers = workers.len().div_ceil(2);
        for _ in 0..readers {
            let (sender, runs, next, stop) = (sender.clone(), runs.clone(), &next, &stop);
            let read = move || {
                while !stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= runs.len() || sender.send((index, data.run(runs.start + index))).is_err() {
                        return;
                    }
                }
            };
            thread::Builder::new().spawn_scoped(scope, read).map_err(MeasureError::Thread)?;
        }
        drop(sender);
        let receiver = Arc::new(Mutex::new(receiver));
        let sources: Vec<_> = workers.iter().map(|_| received(Arc::clone(&receiver))).collect();
        drop(receiver);
        all(workers, sources, &stop, |worker, index, run| work(worker, index, run?), take)
    })
}

/// The next that comes through a channel. With the last of these the channel is closed, so that nobody
/// waits to put something into it.
fn received<I>(receiver: Arc<Mutex<Receiver<(usize, I)>>>) -> impl FnMut() -> Option<(usize, I)> {
    move || lock(&receiver).recv().ok()
}

/// Does the work of all sources, one thread for each worker. After an error the sources are emptied.
fn all<W: Send, I: Send, T: Send, S: FnMut() -> Option<(usize, I)> + Send>(
    workers: &mut [W],
    sources: Vec<S>,
    stop: &AtomicBool,
    work: impl Fn(&mut W, usize, I) -> Result<T, MeasureError> + Sync,
    take: impl FnMut(usize, T) + Send,
) -> Result<(), MeasureError> {
    let results = Mutex::new(InOrder { next: 0, early: BTreeMap::new(), take });
    let one = |worker: &mut W, mut source: S| -> Result<(), MeasureError> {
        let mut outcome = Ok(());
        while let Some((index, item)) = source() {
            if stop.load(Ordering::Relaxed) {
                continue;
            }
            match work(worker, index, item) {
                Ok(result) => lock(&results).add(index, result),
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    outcome = Err(error);
                }
            }
        }
        outcome
    };
    thread::scope(|scope| {
        let mut pairs = workers.iter_mut().zip(sources);
        let own = pairs.next();
        let spawn = |(worker, source)| thread::Builder::new().spawn_scoped(scope, || one(worker, source));
        // As many others as can be had.
        let others: Vec<_> = pairs.map_while(|pair| spawn(pair).ok()).collect();
        let own = own.map_or(Ok(()), |(worker, source)| one(worker, source));
        others.into_iter().fold(own, |outcome, other| outcome.and(other.join().unwrap_or(Err(MeasureError::Died))))
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Manifest;

    #[test]
    fn results_come_in_order_whoever_made_them() {
        for threads in [1, 3] {
            let mut seen = Vec::new();
            let work = |worker: &mut usize, index: usize| {
                *worker += 1;
                thread::sleep(std::time::Duration::from_micros(((index * 7) % 5) as u64 * 50));
                Ok(index * index)
            };
            let mut workers = vec![0; threads];
            in_order(&mut workers, 40, work, |index, square| seen.push((index, square))).expect("no errors");
            assert_eq!(seen, (0..40).map(|index| (index, index * index)).collect::<Vec<_>>());
            assert_eq!(workers.iter().sum::<usize>(), 40);
        }
    }

    #[test]
    fn an_error_ends_all() {
        let done = AtomicUsize::new(0);
        let work = |_: &mut (), index| match index {
            3 => Err(MeasureError::Died),
            _ => Ok(done.fetch_add(1, Ordering::Relaxed)),
        };
        assert!(in_order(&mut [(), ()], 1_000_000, work, |_, _| {}).is_err());
        assert!(done.into_inner() < 1_000_000);
    }

    /// A thousand runs without inputs, one of which cannot be read.
    struct Broken {
        at: usize,
        read: AtomicUsize,
        manifest: Manifest,
    }

    fn broken(at: usize) -> Broken {
        let manifest = Manifest { inputs: Vec::new(), shuffle: None, samples: 1000 };
        Broken { at, read: AtomicUsize::new(0), manifest }
    }

    impl Dataset for Broken {
        fn samples(&self) -> usize {
            1000
        }

        fn batch_size(&self) -> usize {
            1
        }

        fn shapes(&self) -> Vec<Vec<usize>> {
            Vec::new()
        }

        fn run(&self, index: usize) -> Result<Run, DataError> {
            self.read.fetch_add(1, Ordering::Relaxed);
            let error = || DataError::Format { path: "x.npy".into(), what: format!("run {index}") };
            if index == self.at { Err(error()) } else { Ok(Run { inputs: Vec::new(), rows: 1 }) }
        }

        fn source_row(&self, sample: usize) -> usize {
            sample
        }

        fn manifest(&self) -> &Manifest {
            &self.manifest
        }
    }

    #[test]
    fn what_cannot_be_read_ends_all() {
        for (threads, at) in [(1, 0), (1, 7), (3, 0), (4, 7)] {
            let data = broken(at);
            let mut taken = Vec::new();
            let take = |index, ()| taken.push(index);
            let error =
                on_runs(&mut vec![(); threads], &data, 0..1000, |(), _, _| Ok(()), take).expect_err("it is broken");
            assert!(error.to_string().contains(&format!("run {at}")), "{error}");
            // What came before is taken in order, and not all is read.
            assert_eq!(taken, (0..taken.len()).collect::<Vec<_>>());
            assert!(taken.len() <= at && data.read.into_inner() < 1000);
        }
    }

    #[test]
    fn an_error_of_the_work_ends_the_reading() {
        for threads in [1, 2, 5] {
            let data = broken(usize::MAX);
            let work = |(): &mut (), index, _| if index == 3 { Err(MeasureError::NoStages) } else { Ok(()) };
            let error = on_runs(&mut vec![(); threads], &data, 0..1000, work, |_, ()| {}).expect_err("it fails");
            assert!(matches!(error, MeasureError::NoStages));
            assert!(data.read.into_inner() < 1000);
        }
    }

    #[test]
    fn a_range_is_counted_from_its_start() {
        let data = broken(2);
        let mut taken = Vec::new();
        on_runs(&mut [(), ()], &data, 10..15, |(), index, _| Ok(index), |index, same| taken.push((index, same)))
            .expect("2 is not among them");
        assert_eq!(taken, (0..5).map(|index| (index, index)).collect::<Vec<_>>());
    }
}
