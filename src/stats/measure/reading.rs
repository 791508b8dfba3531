//! Runs of data that are read by other threads before they are wanted.

use super::MeasureError;
use crate::data::{DataError, Dataset, Run};
use crate::parallel::{ThreadError, all, lock};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

/// As [`in_order`](crate::parallel::in_order), on the runs of a range, which other threads read before they are wanted.
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
            thread::Builder::new().spawn_scoped(scope, read).map_err(ThreadError::Start)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Manifest;

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
