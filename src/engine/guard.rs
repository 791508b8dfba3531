//! Panics of the engine as errors: hostile models must not take the tool down.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; a panic in it becomes its message, and nothing is printed.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    wrap_hook();
    let before = QUIET.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(before);
    result.map_err(|panic| last_words(&*panic))
}

/// Wraps the panic hook, once, by one that says nothing on threads that are inside
/// [`guarded`] and is the old one elsewhere. (Swapping hooks on every call would race with
/// other threads that panic for reasons of their own.)
fn wrap_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
}

fn last_words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    super::error::one_line(text.unwrap_or("no reason given"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        let two = 2;
        assert_eq!(guarded(|| -> () { panic!("one and\none is {two}") }), Err("one and one is 2".into()));
        assert_eq!(guarded(|| 7), Ok(7));
        assert!(!QUIET.get());
    }
}
