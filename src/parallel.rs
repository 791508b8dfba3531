//! Work on many items by several threads, with results that do not depend on how many there are.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// Why work is not done that nothing is wrong with.
#[derive(Debug, thiserror::Error)]
pub enum ThreadError {
    /// There is no thread for it.
    #[error("cannot start a thread: {0}")]
    Start(io::Error),
    /// A thread ended that should not.
    #[error("a thread that did part of the work died")]
    Died,
}

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
pub fn in_order<W: Send, T: Send, E: From<ThreadError> + Send>(
    workers: &mut [W],
    count: usize,
    work: impl Fn(&mut W, usize) -> Result<T, E> + Sync,
    take: impl FnMut(usize, T) + Send,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let source = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|index| *index < count).map(|index| (index, ()));
    let sources = vec![source; workers.len()];
    all(workers, sources, &AtomicBool::new(false), |worker, index, ()| work(worker, index), take)
}

/// Does the work of all sources, one thread for each worker. After an error the sources are emptied.
///
/// # Errors
/// The first error that `work` gave.
pub fn all<W: Send, I: Send, T: Send, E: From<ThreadError> + Send, S: FnMut() -> Option<(usize, I)> + Send>(
    workers: &mut [W],
    sources: Vec<S>,
    stop: &AtomicBool,
    work: impl Fn(&mut W, usize, I) -> Result<T, E> + Sync,
    take: impl FnMut(usize, T) + Send,
) -> Result<(), E> {
    let results = Mutex::new(InOrder { next: 0, early: BTreeMap::new(), take });
    let one = |worker: &mut W, mut source: S| -> Result<(), E> {
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
        others
            .into_iter()
            .fold(own, |outcome, other| outcome.and(other.join().unwrap_or(Err(ThreadError::Died.into()))))
    })
}

/// The value, whatever became of a thread that held it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whoever_made_them() {
        for threads in [1, 3] {
            let mut seen = Vec::new();
            let work = |worker: &mut usize, index: usize| {
                *worker += 1;
                thread::sleep(std::time::Duration::from_micros(((index * 7) % 5) as u64 * 50));
                Ok::<_, ThreadError>(index * index)
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
            3 => Err(ThreadError::Died),
            _ => Ok(done.fetch_add(1, Ordering::Relaxed)),
        };
        assert!(in_order(&mut [(), ()], 1_000_000, work, |_, _| {}).is_err());
        assert!(done.into_inner() < 1_000_000);
    }
}
