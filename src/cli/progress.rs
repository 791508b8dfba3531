//! A progress bar on standard error, and only on a terminal.

use super::stderr::draw_target;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows how many of a known number of steps are done; may be told by several threads.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar with a word in front of it; hidden if `quiet` or not on a terminal.
    pub fn new(what: &'static str, quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { draw_target() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len}  {eta} left") {
            bar.set_style(style);
        }
        bar.set_prefix(what);
        Progress(bar)
    }

    /// So many samples are done of a step, of so many; a new step begins a new bar.
    pub fn step(&self, what: &'static str, done: usize, total: usize) {
        if self.0.prefix() != what {
            self.0.reset();
            self.0.set_prefix(what);
            if let Ok(style) =
                ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} samples  {per_sec}  {eta} left")
            {
                self.0.set_style(style);
            }
        }
        self.set(done, total);
    }

    /// So many steps are done, of so many.
    pub fn set(&self, done: usize, total: usize) {
        self.0.set_length(total as u64);
        self.0.set_position(done as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
