//! Which files are in a folder or a list, and in which order.

use super::DataError;
use std::cmp::Ordering;
use std::fs::{self, DirEntry};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A list of files is no larger, in bytes.
const LONGEST_LIST: u64 = 1 << 30;

/// What a file is by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An array that says its shape: `.npy`, `.npz`, `.safetensors`.
    Array,
    /// An ONNX tensor: `.pb`.
    Tensor,
    /// Elements and nothing else: `.bin`, `.raw`.
    Raw,
    /// A list of files: `.txt`.
    List,
    /// An image.
    Image,
}

impl Kind {
    /// What a file of this name is; `None` if the name does not tell.
    pub fn of(path: &Path) -> Option<Kind> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match extension.as_str() {
            "npy" | "npz" | "safetensors" => Kind::Array,
            "pb" => Kind::Tensor,
            "bin" | "raw" => Kind::Raw,
            "txt" => Kind::List,
            "png" | "jpg" | "jpeg" | "bmp" | "webp" => Kind::Image,
            _ => return None,
        })
    }
}

/// Files and folders in a folder, in natural order; hidden ones are left out.
///
/// # Errors
/// When it cannot be read.
pub fn entries(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), DataError> {
    let read = fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<DirEntry>, _>>());
    let entries = read.map_err(DataError::io(folder))?;
    let visible = entries.iter().filter(|entry| !entry.file_name().as_bytes().starts_with(b"."));
    let mut paths: Vec<PathBuf> = visible.map(DirEntry::path).collect();
    paths.sort_by(|a, b| natural(name(a), name(b)));
    // Links are followed.
    Ok(paths.into_iter().partition(|path| !path.is_dir()))
}

fn name(path: &Path) -> &[u8] {
    path.file_name().map_or(&[], |name| name.as_bytes())
}

/// All files of a kind in a folder and in those inside, each folder in natural order.
///
/// # Errors
/// When one cannot be read, or is inside of itself by way of links.
pub fn recursive(folder: &Path, kind: Kind) -> Result<Vec<PathBuf>, DataError> {
    let mut found = Vec::new();
    walk(folder, kind, &mut Vec::new(), &mut found)?;
    Ok(found)
}

fn walk(folder: &Path, kind: Kind, outer: &mut Vec<(u64, u64)>, found: &mut Vec<PathBuf>) -> Result<(), DataError> {
    let metadata = fs::metadata(folder).map_err(DataError::io(folder))?;
    let id = (metadata.dev(), metadata.ino());
    if outer.contains(&id) {
        return Err(DataError::format(folder, "it is a folder inside of itself, by way of links"));
    }
    let (files, folders) = entries(folder)?;
    found.extend(files.into_iter().filter(|file| Kind::of(file) == Some(kind)));
    outer.push(id);
    folders.iter().try_for_each(|inner| walk(inner, kind, outer, found))?;
    outer.pop();
    Ok(())
}

/// The files that a list names, one a line, from the folder that the list is in.
///
/// # Errors
/// When it cannot be read, is no text, or names nothing.
pub fn listed(list: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut text = Vec::new();
    let file = fs::File::open(list).map_err(DataError::io(list))?;
    file.take(LONGEST_LIST).read_to_end(&mut text).map_err(DataError::io(list))?;
    let text = String::from_utf8(text).map_err(|_| DataError::format(list, "it is no text that lists files"))?;
    let folder = list.parent().unwrap_or(Path::new(""));
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let files: Vec<PathBuf> = lines.map(|line| folder.join(line)).collect();
    if files.is_empty() { Err(DataError::format(list, "it lists no files")) } else { Ok(files) }
}

/// The order that people expect: numbers in names by their value.
pub fn natural(a: &[u8], b: &[u8]) -> Ordering {
    let (mut rest_a, mut rest_b) = (a, b);
    while !rest_a.is_empty() && !rest_b.is_empty() {
        let order = match (number(rest_a), number(rest_b)) {
            (0, _) | (_, 0) => {
                let order = rest_a[0].cmp(&rest_b[0]);
                (rest_a, rest_b) = (&rest_a[1..], &rest_b[1..]);
                order
            }
            (digits_a, digits_b) => {
                let (number_a, number_b) = (significant(&rest_a[..digits_a]), significant(&rest_b[..digits_b]));
                (rest_a, rest_b) = (&rest_a[digits_a..], &rest_b[digits_b..]);
                number_a.len().cmp(&number_b.len()).then(number_a.cmp(number_b))
            }
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    // Names that differ only in leading zeros have an order, too.
    rest_a.len().cmp(&rest_b.len()).then(a.cmp(b))
}

/// How many digits are at the start.
fn number(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn significant(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    &digits[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_in_names_are_numbers() {
        let mut names = ["img10", "img2", "img02", "a", "img", "img2b", "9", "10", "B"];
        names.sort_by(|a, b| natural(a.as_bytes(), b.as_bytes()));
        assert_eq!(names, ["9", "10", "B", "a", "img", "img02", "img2", "img2b", "img10"]);
    }

    proptest! {
        #[test]
        fn it_is_an_order(a in "[a1-20]{0,5}", b in "[a1-20]{0,5}", c in "[a1-20]{0,5}") {
            let order = |a: &str, b: &str| natural(a.as_bytes(), b.as_bytes());
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
            prop_assert_eq!(order(&a, &b) == Ordering::Equal, a == b);
            if order(&a, &b) != Ordering::Greater && order(&b, &c) != Ordering::Greater {
                prop_assert!(order(&a, &c) != Ordering::Greater);
            }
        }
    }

    #[test]
    fn folders_are_walked_in_order_and_hidden_files_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, "").expect("written");
        };
        ["b/2.png", "b/10.PNG", "a/x.jpeg", ".hidden.png", "c/note.md", "z.webp"].into_iter().for_each(write);
        let found = recursive(folder.path(), Kind::Image).expect("read");
        let names: Vec<_> = found.iter().map(|path| path.strip_prefix(folder.path()).expect("inside")).collect();
        assert_eq!(names, ["z.webp", "a/x.jpeg", "b/2.png", "b/10.PNG"].map(Path::new));
        std::os::unix::fs::symlink(folder.path(), folder.path().join("b/loop")).expect("linked");
        assert!(recursive(folder.path(), Kind::Image).expect_err("refused").to_string().contains("inside of itself"));
    }

    #[test]
    fn lists_name_files_beside_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let list = folder.path().join("list.txt");
        fs::write(&list, "# calibration\n a.bin \n\n/b.bin\r\n").expect("written");
        assert_eq!(listed(&list).expect("read"), [folder.path().join("a.bin"), "/b.bin".into()]);
        fs::write(&list, "\n# nothing\n").expect("written");
        assert!(listed(&list).is_err());
        fs::write(&list, [0xff]).expect("written");
        assert!(listed(&list).is_err());
    }
}
