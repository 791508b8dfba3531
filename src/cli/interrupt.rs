//! SIGINT and its like: how to go in good order.

use crate::onnx::remove_temporary_files;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::sync::Arc;
use std::thread;

/// A signal that ends this process removes its temporary files first, and a file that becomes too
/// large is an error rather than a signal.
pub fn leave_nothing_behind() {
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
    on_signal(|signal| {
        remove_temporary_files();
        die_of(signal);
    });
}

/// The exit status of a child can be had even if this process was started with SIGCHLD ignored.
pub fn keep_dead_children() {
    let _ = signal_hook::flag::register(SIGCHLD, Arc::default());
}

/// Calls `action` with each signal that would end this process, instead of ending.
pub fn on_signal(action: impl Fn(i32) + Send + 'static) {
    let wanted = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal));
    let Ok(mut signals) = Signals::new(wanted) else { return };
    // Without a thread the signals do what they always do.
    let handle = signals.handle();
    let started = thread::Builder::new().spawn(move || signals.forever().for_each(action));
    if started.is_err() {
        handle.close();
    }
}

/// Ends this process as if it had not handled the signal.
pub fn die_of(signal: i32) {
    let _ = emulate_default_handler(signal);
}

/// Whether this process was started with the signal ignored, as `nohup` does. Linux tells.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
