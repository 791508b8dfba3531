//! Memory that a thread keeps from one convolution to the next.

use std::cell::RefCell;

/// More than this is given back.
const MOST_KEPT: usize = 64 << 20;

/// A type that threads keep memory for.
pub trait Scratch: Sized {
    /// Calls with the memory of this thread; what is in it is left from the call before.
    fn with_scratch<R>(call: impl FnOnce(&mut Vec<Self>) -> R) -> R;
}

macro_rules! scratch {
    ($type:ty) => {
        impl Scratch for $type {
            fn with_scratch<R>(call: impl FnOnce(&mut Vec<Self>) -> R) -> R {
                thread_local! {
                    static KEPT: RefCell<Vec<$type>> = const { RefCell::new(Vec::new()) };
                }
                let mut memory = KEPT.take();
                let result = call(&mut memory);
                if memory.capacity() * size_of::<$type>() <= MOST_KEPT {
                    KEPT.set(memory);
                }
                result
            }
        }
    };
}
scratch!(f32);
scratch!(f64);
