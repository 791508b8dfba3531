//! Looking at what comes into a BatchNormalization while a model runs.
//!
//! A node that is to be looked at carries [`ATTRIBUTE`], a number of the caller's choice. What it
//! normalises is shown to the sink of the thread that runs it, plane by plane, before it does so.

use super::kernel::{Element, View};
use std::cell::RefCell;

/// The attribute that numbers the nodes to look at.
pub const ATTRIBUTE: &str = "bn_tool_tap";

/// Consecutive elements of one channel.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    /// The number of the node.
    pub tap: usize,
    /// The channel.
    pub channel: usize,
    /// How many channels there are.
    pub channels: usize,
    /// The elements.
    pub values: &'a [f64],
}

/// Who looks.
pub type Sink = Box<dyn FnMut(Plane)>;

thread_local! {
    static SINK: RefCell<Option<Sink>> = const { RefCell::new(None) };
}

/// Lets a sink see what runs on this thread during `work`.
pub fn with_sink<T>(sink: Sink, work: impl FnOnce() -> T) -> T {
    SINK.set(Some(sink));
    let result = work();
    SINK.set(None);
    result
}

/// Shows all of a value, `[outer, channels, inner]`.
pub fn show<T: Element>(tap: usize, x: &[T], view: View) {
    /// So many elements are shown at once at most.
    const BLOCK: usize = 4096;
    let View { channels, inner } = view;
    SINK.with_borrow_mut(|sink| {
        let Some(sink) = sink else { return };
        let mut block = Vec::with_capacity(inner.clamp(1, BLOCK));
        for (plane, values) in x.chunks_exact(inner.max(1)).enumerate() {
            for piece in values.chunks(BLOCK) {
                block.clear();
                block.extend(piece.iter().map(|value| value.wide()));
                sink(Plane { tap, channel: plane % channels.max(1), channels, values: &block });
            }
        }
    });
}
