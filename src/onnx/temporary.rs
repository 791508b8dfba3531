//! Files under temporary names, and the removal of all when the program is told to end.
//!
//! Who is killed cannot remove anything. Whoever has a temporary name therefore holds a lock on
//! the file, and the next one who needs such a name in that folder removes those without.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::TempPath;

const PREFIX: &str = ".bn-tool-";
const SUFFIX: &str = ".tmp";

/// The temporary names in use.
static NAMES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn names() -> MutexGuard<'static, Vec<PathBuf>> {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the temporary files of saves that are under way. Only for a program that is about to
/// end: these saves fail, and no other can start.
pub fn remove_temporary_files() {
    let names = names();
    for name in names.iter() {
        let _ = fs::remove_file(name);
    }
    std::mem::forget(names);
}

/// A name that is removed unless it is replaced by the final one.
pub struct Temporary {
    path: TempPath,
    _entry: Entry,
}

/// An entry of [`NAMES`].
struct Entry(PathBuf);

impl Temporary {
    /// A new file in `folder`; the umask applies to its mode bits.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn file(folder: &Path) -> io::Result<(File, Self)> {
        Self::make(folder, |name| {
            let file = OpenOptions::new().write(true).create_new(true).open(name)?;
            // Somebody may have taken it for abandoned before it was locked.
            let locked = !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) && file.metadata()?.nlink() > 0;
            if locked { Ok(file) } else { Err(io::ErrorKind::AlreadyExists.into()) }
        })
    }

    /// A temporary name in `folder` for a file without one.
    ///
    /// # Errors
    /// When `link` cannot give it to the file.
    pub fn name(file: &File, folder: &Path, mut link: impl FnMut(&Path) -> io::Result<()>) -> io::Result<Self> {
        // Where there are no locks, nobody finds the file unlocked.
        let _ = file.try_lock();
        Self::make(folder, |name| link(name)).map(|((), name)| name)
    }

    fn make<T>(folder: &Path, make: impl FnMut(&Path) -> io::Result<T>) -> io::Result<(T, Self)> {
        remove_abandoned(folder);
        // Nobody may clean up between the making and the taking down.
        let mut names = names();
        let (made, path) = tempfile::Builder::new().prefix(PREFIX).suffix(SUFFIX).make_in(folder, make)?.into_parts();
        names.push(path.to_path_buf());
        let _entry = Entry(path.to_path_buf());
        Ok((made, Temporary { path, _entry }))
    }

    /// Gives it its final name, which may be that of another file.
    ///
    /// # Errors
    /// When it cannot be renamed; it is removed then.
    pub fn rename(self, target: &Path) -> io::Result<()> {
        self.path.persist(target).map_err(|error| error.error)
    }

    /// Gives it its final name, which nobody may have.
    ///
    /// # Errors
    /// When somebody has it, or it cannot be renamed; it is removed then.
    pub fn rename_new(self, target: &Path) -> io::Result<()> {
        self.path.persist_noclobber(target).map_err(|error| error.error)
    }
}

/// Removes the temporary files of those who were killed.
fn remove_abandoned(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())) {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        if ours
            && let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        names().retain(|name| *name != self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_renamed_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(".bn-tool-killed.tmp"), "half").expect("written");
        let entries = || fs::read_dir(folder.path()).expect("it is there").count();
        let (_file, abandoned) = Temporary::file(folder.path()).expect("made");
        let (_other, renamed) = Temporary::file(folder.path()).expect("made");
        assert_eq!(entries(), 2);
        drop(abandoned);
        renamed.rename(&folder.path().join("model.onnx")).expect("renamed");
        assert!(folder.path().join("model.onnx").exists());
        assert_eq!(entries(), 1);
    }
}
