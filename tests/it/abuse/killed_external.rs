//! The same with weights in another file: whoever dies leaves a model and the data that belongs to
//! it. Data that nobody reads yet is taken up by the next run.

use super::killed::send;
use super::{big, ends, folder, names_in, tool};
use bn_tool::onnx::load;
use rustix::process::Signal;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const MOMENTS: u32 = 24;

fn fold(model: &Path) -> Child {
    let mut command = tool(["fold", "-q", "--no-verify", "--in-place"]);
    command.arg(model).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
}

/// The number of nodes, and all elements of the weight, which are the same.
fn state(model: &Path) -> (usize, f64) {
    let model = load(model).expect("a model with its data");
    let graph = model.graph.as_ref().expect("there is a graph");
    let values = graph.initializer[0].float_values().expect("the data of this model");
    assert!(values.iter().all(|value| *value == values[0]), "half of the old and half of the new");
    (graph.node.len(), values[0])
}

#[test]
fn whoever_dies_leaves_a_model_with_its_data() {
    let folder = folder();
    let [inline, model] = ["inline.onnx", "model.onnx"].map(|name| folder.path().join(name));
    fs::write(&inline, &big()[0]).unwrap();
    let mut command = tool(["fold", "-q", "--exclude", "*", "--external-data", "model.bin", "-o"]);
    command.args([&model, &inline]);
    assert!(ends(command).status.success());
    let (old, old_state) = (fs::read(&model).unwrap(), state(&model));
    fs::write(&inline, &big()[1]).unwrap();
    let new_state = state(&inline);

    let start = Instant::now();
    assert!(fold(&model).wait().unwrap().success());
    let whole = start.elapsed().min(Duration::from_millis(150));
    assert_eq!(state(&model), new_state);
    let names = names_in(folder.path());
    let mut seen = [0, 0];
    for moment in 0..MOMENTS {
        fs::write(&model, &old).unwrap();
        if moment % 2 == 0 {
            // Otherwise the data of the run before is there.
            let _ = fs::remove_file(folder.path().join("model.onnx.data"));
        }
        let mut child = fold(&model);
        sleep(whole * moment / MOMENTS);
        send(&child, [Signal::KILL, Signal::INT][moment as usize / 2 % 2]);
        child.wait().unwrap();
        let which = [old_state, new_state].iter().position(|whole| *whole == state(&model));
        seen[which.expect("the old model or the new one")] += 1;
    }
    fs::write(&model, &old).unwrap();
    assert!(fold(&model).wait().unwrap().success());
    assert_eq!((state(&model), names_in(folder.path())), (new_state, names));
    eprintln!("{} times the old model, {} times the new one", seen[0], seen[1]);
}
