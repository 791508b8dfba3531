//! What happens at numbered BatchNormalizations while a model runs: they are measured, and normalise
//! by other statistics than those of the model.
//!
//! A node that takes part carries [`ATTRIBUTE`], a number of the caller's choice. The taps of the
//! thread that runs it say what to do there.

use super::kernel::{Element, View};
use crate::stats::{Moments, RunningStatistics};
use std::cell::RefCell;
use std::sync::Arc;

/// The attribute that numbers the nodes.
pub const ATTRIBUTE: &str = "bn_tool_tap";

/// Statistics to normalise by instead of those of the model, by number; `None` leaves those.
pub type Overrides = Arc<Vec<Option<Arc<RunningStatistics>>>>;

/// What to do at the numbered nodes.
#[derive(Clone, Debug, Default)]
pub struct Taps {
    /// What they normalise by.
    pub overrides: Overrides,
    /// Which of them are measured.
    pub watch: Watch,
    /// How much of a run is data.
    pub rows: Rows,
    /// What was measured, by number.
    pub seen: Vec<Option<Moments>>,
}

/// Which numbered nodes are measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watch {
    /// None.
    #[default]
    None,
    /// Every one.
    All,
    /// The one of this number.
    Only(usize),
}

/// How many positions of the first axis of a run are data; the rest fills the batch up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// So many are data,
    pub data: usize,
    /// of so many.
    pub all: usize,
}

impl Default for Rows {
    fn default() -> Self {
        Rows { data: 1, all: 1 }
    }
}

impl Rows {
    /// How many positions of an axis are data that has `length` of them, in which a batch lies outermost.
    /// Where that cannot be, none is.
    fn of(self, length: usize) -> usize {
        match length.checked_rem(self.all) {
            _ if self.data == self.all => length,
            Some(0) => length / self.all * self.data,
            _ => 0,
        }
    }
}

thread_local! {
    static TAPS: RefCell<Option<Taps>> = const { RefCell::new(None) };
}

/// Does `work` with these taps on this thread.
pub fn with_taps<T>(taps: &mut Taps, work: impl FnOnce() -> T) -> T {
    TAPS.set(Some(std::mem::take(taps)));
    let result = work();
    *taps = TAPS.take().unwrap_or_default();
    result
}

/// What the node of a number normalises by instead, if by something else.
pub fn overridden(tap: usize) -> Option<Arc<RunningStatistics>> {
    TAPS.with_borrow(|taps| taps.as_ref()?.overrides.get(tap)?.clone())
}

/// Measures what comes into the node of a number, `[outer, channels, inner]`, if that is wanted.
pub fn measure<T: Element>(tap: usize, x: &[T], view: View) {
    TAPS.with_borrow_mut(|taps| {
        let Some(taps) = taps.as_mut().filter(|taps| taps.watches(tap)) else { return };
        taps.add(tap, x, view);
    });
}

impl Taps {
    fn watches(&self, tap: usize) -> bool {
        match self.watch {
            Watch::None => false,
            Watch::All => true,
            Watch::Only(one) => one == tap,
        }
    }

    /// Adds what comes into the node of a number.
    pub(super) fn add<T: Element>(&mut self, tap: usize, x: &[T], view: View) {
        let outer = x.len() / (view.channels * view.inner).max(1);
        if self.seen.len() <= tap {
            self.seen.resize(tap + 1, None);
        }
        let moments = self.seen[tap].get_or_insert_with(|| Moments::new(view.channels));
        moments.add_planes(x, view.inner, self.rows.of(outer));
    }
}
