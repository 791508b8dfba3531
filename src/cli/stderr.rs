//! Standard error, for what we have to say and nothing else.

use anstream::AutoStream;
use console::Term;
use indicatif::ProgressDrawTarget;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::sync::OnceLock;

/// Standard error, once it is [reserved](reserve).
static OWN: OnceLock<File> = OnceLock::new();

/// How often a second a progress bar is drawn.
const REFRESH_RATE: u8 = 20;

/// From here on only what is written to [`stderr`] gets there. A process that dies leaves lines of
/// the Rust runtime, which go nowhere: whoever watches over it says what happened.
///
/// # Errors
/// When the system has no descriptor left.
pub fn reserve() -> io::Result<()> {
    let nowhere = OpenOptions::new().write(true).open("/dev/null")?;
    let own = duplicate()?;
    OWN.get_or_init(|| own);
    Ok(rustix::stdio::dup2_stderr(nowhere)?)
}

/// Standard error, with colours where they are wanted.
///
/// # Errors
/// When the system has no descriptor left.
pub fn stderr() -> io::Result<AutoStream<File>> {
    Ok(AutoStream::auto(duplicate()?))
}

/// Where a progress bar is drawn, if that is a terminal.
pub fn draw_target() -> ProgressDrawTarget {
    match (duplicate(), duplicate()) {
        (Ok(read), Ok(write)) => ProgressDrawTarget::term(Term::read_write_pair(read, write), REFRESH_RATE),
        _ => ProgressDrawTarget::hidden(),
    }
}

fn duplicate() -> io::Result<File> {
    match OWN.get() {
        Some(own) => own.try_clone(),
        None => Ok(io::stderr().as_fd().try_clone_to_owned()?.into()),
    }
}
