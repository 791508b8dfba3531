//! More open files than usual: some exporters write a file per tensor, and the usual limit is 1,024.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;

/// Opens something; where too many files are open, once more with as many as the system allows.
///
/// # Errors
/// Those of `open`.
pub fn with_room<T>(open: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match open() {
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) => {
            let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
            setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
            open()
        }
        result => result,
    }
}
