//! The tool under abuse: files that change, disks that are full, signals at any moment, models
//! that crash the engine. Whatever happens: one line at most, and no file that is half of one.

mod changing_input;
mod containment;
mod full_disk;
mod hostile_models;
mod killed;
mod killed_external;
mod streams;
mod targets;
mod without_proc;

use bn_tool::onnx::element::{DataType, FloatType};
use bn_tool::onnx::save;
use bn_tool::onnx::schema::TensorProto;
use bn_tool::onnx::text::parse;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// The real binary, with nothing on standard input.
fn tool<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bn-tool"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ends(mut command: Command) -> Output {
    command.output().expect("it starts and ends")
}

/// The exit status, and one line on standard error that says all of this.
fn assert_one_line(output: &Output, status: i32, says: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    says.iter().for_each(|text| assert!(stderr.contains(text), "`{text}` is not in: {stderr}"));
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A model of 20 MB with something to fold, and the result of folding it.
fn big() -> &'static [Vec<u8>; 2] {
    static BIG: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    BIG.get_or_init(|| {
        let folder = folder();
        let paths = ["old", "new"].map(|name| folder.path().join(name));
        make_big(&paths[0]);
        let [old, new] = paths.each_ref().map(|path| path.as_os_str());
        let output = ends(tool([OsStr::new("fold"), "--no-verify".as_ref(), "-o".as_ref(), new, old]));
        assert!(output.status.success(), "{output:?}");
        paths.map(|path| std::fs::read(path).expect("it is there"))
    })
}

fn make_big(path: &Path) {
    const CHANNELS: usize = 2240;
    let text = format!(
        "<ir_version: 8, opset_import: [\"\" : 17]>
        g (float[1,{CHANNELS},1,1] x) => (float[1,{CHANNELS},1,1] y) {{
            c = Conv (x, W)  y = BatchNormalization (c, s, s, s, s)
        }}"
    );
    let mut model = parse(&text).expect("it parses");
    let mut weight = TensorProto::empty("W", DataType::Float, &[CHANNELS, CHANNELS, 1, 1]);
    weight.set_elements(1.25f32.to_le_bytes().repeat(CHANNELS * CHANNELS).into());
    let factors = TensorProto::floats("s", FloatType::F32, &[CHANNELS], &vec![0.75; CHANNELS]);
    model.graph.as_mut().expect("there is a graph").initializer = vec![weight, factors];
    save(&model, path).expect("it can be written");
}
