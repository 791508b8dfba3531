//! Signals at any moment: the file is the old or the new one, and the folder holds nothing else. But
//! for one moment: an existing file can only be replaced by way of a name, and who is killed just
//! then leaves it to the next run.

use super::{big, folder, names_in, tool};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// In how many parts a run is divided, each of which ends with a signal once.
const MOMENTS: u32 = 40;

fn fold(model: &Path) -> Child {
    let mut command = tool(["fold", "-q", "--no-verify", "--in-place"]);
    command.arg(model).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
}

pub fn send(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(pid, signal).expect("it is there, dead or alive");
}

/// Lays `model` out anew where it was replaced.
fn lay_out(model: &Path) {
    if fs::metadata(model).map_or(0, |metadata| metadata.len()) != big()[0].len() as u64 {
        fs::write(model, &big()[0]).expect("there is room");
    }
}

#[test]
fn whoever_dies_leaves_the_old_file_or_the_new_one() {
    let folder = folder();
    let model = folder.path().join("model.onnx");
    lay_out(&model);
    let start = Instant::now();
    assert!(fold(&model).wait().expect("it ends").success());
    let whole = start.elapsed().min(Duration::from_millis(150));
    let mut seen = [0, 0];
    for moment in 0..MOMENTS {
        lay_out(&model);
        let before = names_in(folder.path()).len();
        let mut child = fold(&model);
        sleep(whole * moment / MOMENTS);
        let signal = [Signal::KILL, Signal::KILL, Signal::INT, Signal::TERM][moment as usize % 4];
        send(&child, signal);
        child.wait().expect("it ends");
        let bytes = fs::read(&model).expect("it is there");
        let which = big().iter().position(|whole| *whole == bytes);
        seen[which.expect("the old file or the new one")] += 1;
        assert!(signal == Signal::KILL || names_in(folder.path()).len() <= before);
    }
    lay_out(&model);
    assert!(fold(&model).wait().expect("it ends").success());
    assert_eq!(names_in(folder.path()), ["model.onnx"]);
    eprintln!("{} times the old file, {} times the new one", seen[0], seen[1]);
}
