//! Files that appear whole or not at all.
//!
//! The bytes go to a file without a name (`O_TMPFILE`), in the target's folder, so that a
//! killed run leaves nothing behind; where the system cannot do that, to a
//! [temporary file](super::temporary). The name is given at the end.

use super::temporary::Temporary;
use rustix::fs::{AtFlags, CWD};
#[cfg(target_os = "linux")]
use rustix::fs::{FallocateFlags, Mode, OFlags};
use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

/// `f_type` of ext2, ext3 and ext4 in `statfs(2)`.
#[cfg(target_os = "linux")]
const EXT4_MAGIC: u64 = 0xEF53;

/// A file that takes its name when it is complete.
pub struct AtomicFile {
    file: File,
    /// The temporary name, if it needs one.
    name: Option<Temporary>,
    folder: PathBuf,
    target: PathBuf,
    replaces: bool,
    must_be_new: bool,
}

impl AtomicFile {
    /// Starts a file that will be `target`. Symbolic links are followed; a file that is replaced
    /// keeps its owner, if the system permits, and its mode bits.
    ///
    /// # Errors
    /// When the folder does not exist or cannot be written to.
    pub fn create(target: &Path) -> io::Result<Self> {
        let target = follow(target);
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = parent.unwrap_or(Path::new(".")).to_path_buf();
        let old = match target.metadata() {
            // Renaming over a file that may not be written would succeed.
            Ok(old) => OpenOptions::new().write(true).open(&target).map(|_| Some(old))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let (file, name) = match nameless(&folder) {
            Ok(file) => (file, None),
            Err(_) => Temporary::file(&folder).map(|(file, name)| (file, Some(name)))?,
        };
        let new = AtomicFile { file, name, folder, target, replaces: old.is_some(), must_be_new: false };
        old.map_or(Ok(()), |old| new.take_after(&old))?;
        Ok(new)
    }

    /// Gives it the mode bits of another file, and the owner if the system permits.
    ///
    /// # Errors
    /// When the mode bits cannot be set.
    pub fn take_after(&self, old: &Metadata) -> io::Result<()> {
        let _ = fchown(&self.file, Some(old.uid()), Some(old.gid()));
        self.file.set_permissions(Permissions::from_mode(old.permissions().mode() & 0o777))
    }

    /// Waits until its bytes are on the disk.
    ///
    /// # Errors
    /// When they cannot be written there.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Starts a file that will be `target`, which does not exist yet, and must not when the
    /// file is complete.
    ///
    /// # Errors
    /// As [`create`](Self::create), and when there is such a file.
    pub fn create_new(target: &Path) -> io::Result<Self> {
        match target.symlink_metadata() {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => Ok(AtomicFile { must_be_new: true, ..AtomicFile::create(target)? }),
        }
    }

    /// Reserves room for `len` bytes: a full disk is noticed before anything is written, and
    /// on ext4 writing takes a third less time. Only there: elsewhere it costs more than it
    /// brings.
    ///
    /// # Errors
    /// When the disk has not as much room.
    #[cfg(target_os = "linux")]
    pub fn reserve(&self, len: u64) -> io::Result<()> {
        let ext4 = rustix::fs::fstatfs(&self.file).is_ok_and(|stat| stat.f_type as u64 == EXT4_MAGIC);
        if !ext4 || len == 0 {
            return Ok(());
        }
        match rustix::fs::fallocate(&self.file, FallocateFlags::empty(), 0, len) {
            Err(rustix::io::Errno::NOSPC) => Err(rustix::io::Errno::NOSPC.into()),
            _ => Ok(()),
        }
    }

    /// Reserves nothing on other systems.
    ///
    /// # Errors
    /// None.
    #[cfg(not(target_os = "linux"))]
    pub fn reserve(&self, _: u64) -> io::Result<()> {
        Ok(())
    }

    /// Gives the file its name. When it replaces another one, its bytes reach the disk first:
    /// otherwise a power cut could leave the name on a file that is not yet written.
    ///
    /// # Errors
    /// When the file cannot be synchronised or renamed; the target is then as it was.
    pub fn commit(self) -> io::Result<()> {
        if self.replaces {
            self.sync()?;
        }
        match self.name {
            Some(name) if self.must_be_new => name.rename_new(&self.target)?,
            Some(name) => name.rename(&self.target)?,
            None if self.must_be_new => link(&self.file, &self.target)?,
            None => give_name(&self.file, &self.folder, &self.target)?,
        }
        // The file is there; that its name is on the disk, too, cannot always be had.
        if self.replaces
            && let Ok(folder) = File::open(&self.folder)
        {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Where a path leads, by way of as many symbolic links as the system would follow. There need
/// not be a file.
pub fn follow(target: &Path) -> PathBuf {
    let mut path = target.to_path_buf();
    for _ in 0..40 {
        let Ok(next) = path.read_link() else { break };
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    path
}

/// Other systems have no files without names.
#[cfg(not(target_os = "linux"))]
fn nameless(_: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A file without a name; the umask applies to its mode bits.
#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(folder, flags, Mode::from_raw_mode(0o666))?);
    // Without /proc it could not be given a name.
    Path::new(&link_to(&file)).symlink_metadata()?;
    Ok(file)
}

fn link_to(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// Links a nameless file to its name. An existing file cannot be linked over, so there the
/// link gets a temporary name that is renamed at once.
fn give_name(file: &File, folder: &Path, target: &Path) -> io::Result<()> {
    match link(file, target) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Temporary::name(file, folder, |name| link(file, name))?.rename(target)
        }
        result => result,
    }
}

/// Gives a nameless file a name that nobody has.
fn link(file: &File, name: &Path) -> io::Result<()> {
    Ok(rustix::fs::linkat(CWD, link_to(file), CWD, name, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn entries(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn nothing_is_left_of_an_abandoned_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = AtomicFile::create(&folder.path().join("model.onnx")).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(entries(folder.path()), 0);
    }

    #[test]
    fn replacing_keeps_mode_bits_and_follows_links() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, b"old").unwrap();
        fs::set_permissions(&real, Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let mut file = AtomicFile::create(&link).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"old");
        file.commit().unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(link.is_symlink());
        assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(entries(folder.path()), 2);
    }
}
