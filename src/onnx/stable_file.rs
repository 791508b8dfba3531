//! A file that must not change while it is read.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

/// An open regular file, as it was when it was opened. Each read tells whether it still is: a
/// file that is written to meanwhile would give half of the old and half of the new.
#[derive(Debug)]
pub struct StableFile {
    file: File,
    len: u64,
    modified: (i64, i64),
    id: (u64, u64),
}

impl StableFile {
    /// Takes the length and the time of the last change of an open file.
    ///
    /// # Errors
    /// When it has none.
    pub fn new(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let id = (metadata.dev(), metadata.ino());
        Ok(StableFile { file, len: metadata.len(), modified: modified(&metadata), id })
    }

    /// The number of bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Device and inode: the same for all paths that lead to the file.
    pub fn id(&self) -> (u64, u64) {
        self.id
    }

    /// Reads `out.len()` bytes from `offset` on.
    ///
    /// # Errors
    /// When it cannot be read, or is not as it was when it was opened.
    pub fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let read = self.file.read_exact_at(out, offset);
        let now = self.file.metadata()?;
        if (now.len(), modified(&now)) != (self.len, self.modified) {
            return Err(io::Error::other("the file was changed while it was read"));
        }
        read
    }
}

fn modified(metadata: &Metadata) -> (i64, i64) {
    (metadata.mtime(), metadata.mtime_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_that_is_written_to_is_not_read_on() {
        for change in [|file: &mut File| file.set_len(4), |file: &mut File| file.write_all(b"more")] {
            let path = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(path.path(), b"0123456789").unwrap();
            // Time stamps have the resolution of a clock tick.
            let earlier = std::time::SystemTime::now() - std::time::Duration::from_secs(1);
            path.as_file().set_modified(earlier).unwrap();
            let file = StableFile::new(File::open(path.path()).unwrap()).unwrap();
            let mut out = [0; 3];
            file.read_at(1, &mut out).unwrap();
            assert_eq!(&out, b"123");
            change(&mut File::options().write(true).open(path.path()).unwrap()).unwrap();
            assert!(file.read_at(1, &mut out).unwrap_err().to_string().contains("was changed while"));
        }
    }
}
