//! Targets that are no ordinary file, or that nobody may write.

use super::{assert_one_line, ends, folder, names_in, tool};
use crate::tool::digits;
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

fn fold_to(target: &Path) -> Output {
    ends(tool(["fold".as_ref(), "--no-verify".as_ref(), "-o".as_ref(), target.as_os_str(), digits().as_os_str()]))
}

fn assert_folds_to(target: &Path) {
    let output = fold_to(target);
    assert!(output.status.success(), "{output:?}");
}

/// What a fold of the digits gives.
fn folded() -> Vec<u8> {
    fold_to(Path::new("-")).stdout
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
}

#[test]
fn a_folder_is_refused() {
    let folder = folder();
    assert_one_line(&fold_to(folder.path()), 2, &["cannot write", "is a directory"]);
    assert_one_line(&fold_to(&folder.path().join("file/")), 2, &["cannot write"]);
    assert!(names_in(folder.path()).is_empty());
}

/// A fold by somebody who may not write what is write-protected: root may, unless it gives up the
/// capability. `None` where it cannot.
fn fold_unprivileged(target: &Path) -> Option<Output> {
    let writes_everything = File::options().write(true).open(target).is_ok();
    if !writes_everything {
        return Some(fold_to(target));
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-dac_override,-dac_read_search", env!("CARGO_BIN_EXE_bn-tool"), "fold"]);
    let output = command.args(["--no-verify", "-o"]).arg(target).arg(digits()).output().ok()?;
    (!output.stderr.starts_with(b"setpriv:")).then_some(output)
}

#[test]
fn what_may_not_be_written_is_refused() {
    let folder = folder();
    let (file, locked) = (folder.path().join("file"), folder.path().join("locked"));
    fs::write(&file, "precious").expect("there is room");
    fs::create_dir(&locked).expect("there is room");
    fs::write(locked.join("old"), "precious").expect("there is room");
    set_mode(&file, 0o444);
    set_mode(&locked, 0o555);
    for target in [&file, &locked.join("old")] {
        let Some(output) = fold_unprivileged(target) else { return eprintln!("skipped: we may write everything") };
        assert_one_line(&output, 2, &["cannot write", "Permission denied"]);
        assert_eq!(fs::read(target).expect("it is there"), b"precious");
    }
    set_mode(&locked, 0o755);
}

#[test]
fn a_read_only_disk_is_refused() {
    let folder = folder();
    fs::write(folder.path().join("old"), "precious").expect("there is room");
    let script = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" || exit 99
        for name in old new; do \"$2\" fold --no-verify -o \"$1/$name\" \"$3\"; done";
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script, "sh"]).arg(folder.path()).arg(env!("CARGO_BIN_EXE_bn-tool")).arg(digits());
    let Ok(output) = command.output() else { return eprintln!("skipped: there is no unshare") };
    let stderr = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(99) || stderr.starts_with("unshare:") {
        return eprintln!("skipped: no user namespaces here");
    }
    assert_eq!((stderr.lines().count(), stderr.matches("Read-only file system").count()), (2, 2), "{stderr}");
}

#[test]
fn devices_and_pipes_are_written_to() {
    assert_folds_to(Path::new("/dev/null"));
    let folder = folder();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there").success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            let mut bytes = Vec::new();
            File::open(pipe).and_then(|mut file| file.read_to_end(&mut bytes)).map(|_| bytes)
        }
    });
    assert_folds_to(&pipe);
    assert!(reader.join().expect("it ends").expect("it reads") == folded());
    assert_eq!(names_in(folder.path()), ["pipe"]);
}

#[test]
fn links_are_followed() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("inner")).expect("there is room");
    fs::write(path("inner/file"), "old").expect("there is room");
    symlink("inner/file", path("link")).expect("made");
    symlink("inner/missing", path("dangling")).expect("made");
    symlink("dangling", path("link_to_dangling")).expect("made");
    assert_folds_to(&path("link"));
    assert_folds_to(&path("link_to_dangling"));
    assert!(["link", "dangling", "link_to_dangling"].iter().all(|name| path(name).is_symlink()));
    assert!(["inner/file", "inner/missing"].iter().all(|name| fs::read(path(name)).expect("it is there") == folded()));
    symlink("b", path("a")).expect("made");
    symlink("a", path("b")).expect("made");
    assert_one_line(&fold_to(&path("a")), 2, &["symbolic links"]);
    assert_eq!(names_in(folder.path()), ["a", "b", "dangling", "inner", "link", "link_to_dangling"]);
    assert_eq!(names_in(&path("inner")), ["file", "missing"]);
}

#[test]
fn the_other_name_of_a_file_keeps_the_old_one() {
    let folder = folder();
    let (file, other) = (folder.path().join("file"), folder.path().join("other"));
    fs::write(&file, "old").expect("there is room");
    fs::hard_link(&file, &other).expect("linked");
    assert_folds_to(&file);
    assert_eq!(fs::read(other).expect("it is there"), b"old");
    assert!(fs::read(file).expect("it is there") == folded());
}

#[test]
fn a_replaced_file_keeps_its_owner_and_mode() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "old").expect("there is room");
    set_mode(&file, 0o604);
    // Whoever may give files away gives this one.
    let given = std::os::unix::fs::chown(&file, Some(1234), Some(4321)).is_ok();
    assert_folds_to(&file);
    let metadata = fs::metadata(&file).expect("it is there");
    assert_eq!(metadata.mode() & 0o7777, 0o604);
    assert!(!given || (metadata.uid(), metadata.gid()) == (1234, 4321));
}

#[test]
fn a_folder_that_may_be_written_but_not_listed_is_enough() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "old").expect("there is room");
    set_mode(folder.path(), 0o300);
    assert_folds_to(&file);
    set_mode(folder.path(), 0o700);
    assert_eq!(names_in(folder.path()), ["file"]);
}
