//! Running the binary under limits.

use bn_tool::onnx::schema::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto, ValueInfoProto};
use bn_tool::onnx::text::parse;
use bn_tool::onnx::wire::{Encoder, Message};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What a run may take of a processor, in seconds, in a debug build.
const SECONDS: u32 = 20;
/// What it may take on a busy machine.
const TIME: Duration = Duration::from_secs(300);
/// What a run may allocate, in bytes: so many, and for each byte of the file.
const MEMORY: (u64, u64) = (400 << 20, 80);

/// The commands; `FILE` stands for the model.
const FOLD: [&str; 5] = ["fold", "--no-verify", "-o", "OUT", "FILE"];
const INSPECT: [&str; 2] = ["inspect", "FILE"];
const PRINT: [&str; 2] = ["print", "FILE"];
const VERIFY: [&str; 3] = ["verify", "FILE", "FILE"];
const DIFF: [&str; 3] = ["diff", "FILE", "FILE"];

/// Every command but `print`, which may look at what is not valid, ends with one line that says
/// this.
#[track_caller]
pub fn assert_refused(bytes: &[u8], says: &str) {
    let folder = Folder::new(bytes);
    for command in [&FOLD[..], &INSPECT, &VERIFY, &DIFF] {
        folder.assert_refused(command, says);
    }
    let (status, stderr) = folder.run(&PRINT);
    assert!(matches!(status.code(), Some(0 | 2)), "{status}: {stderr}");
}

/// The model is legal and large.
#[track_caller]
pub fn assert_folds(bytes: &[u8]) {
    Folder::new(bytes).assert_done(&FOLD);
}

/// Every command ends well, or with one line.
#[track_caller]
pub fn assert_legal_or_refused(bytes: &[u8]) {
    let folder = Folder::new(bytes);
    for command in [&FOLD[..], &INSPECT, &PRINT, &DIFF] {
        match folder.run(command) {
            (status, _) if status.success() => {}
            _ => folder.assert_refused(command, ""),
        }
    }
}

/// The file is no model: every command ends with one line that says this.
#[track_caller]
pub fn assert_undecodable(bytes: &[u8], says: &str) {
    let folder = Folder::new(bytes);
    for command in [&FOLD[..], &INSPECT, &PRINT, &VERIFY, &DIFF] {
        folder.assert_refused(command, says);
    }
}

/// The model is not valid: every command but `print` ends with one line that says this.
#[track_caller]
pub fn assert_invalid(model: &ModelProto, says: &str) {
    let folder = Folder::new(&encoded(model));
    for command in [&FOLD[..], &INSPECT, &VERIFY, &DIFF] {
        folder.assert_refused(command, says);
    }
    folder.assert_done(&PRINT);
}

/// A BatchNormalization of the model is not valid: `fold` and `inspect` end with one line that
/// says this.
#[track_caller]
pub fn assert_unfoldable(model: &ModelProto, says: &str) {
    let folder = Folder::new(&encoded(model));
    for command in [&FOLD[..], &INSPECT] {
        folder.assert_refused(command, says);
    }
    folder.assert_done(&PRINT);
}

/// The model is legal: nothing is said about it, and what `fold` writes can be inspected.
#[track_caller]
pub fn assert_legal(bytes: &[u8]) {
    let folder = Folder::new(bytes);
    for command in [&FOLD[..], &PRINT, &["inspect", "OUT"], &DIFF, &["diff", "FILE", "OUT"]] {
        folder.assert_done(command);
    }
}

/// The model in a folder of its own.
struct Folder {
    folder: tempfile::TempDir,
    size: u64,
}

impl Folder {
    fn new(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("model.onnx"), bytes).expect("it can be written");
        Folder { folder, size: bytes.len() as u64 }
    }

    #[track_caller]
    fn assert_refused(&self, command: &[&str], says: &str) {
        let (status, stderr) = self.run(command);
        assert_eq!(status.code(), Some(2), "{command:?}: {status}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.len() < 10_000, "{command:?}: {stderr}");
        // Below an error in text are the line and a caret.
        let lines = if stderr.contains("\n  | ") { 3 } else { 1 };
        assert_eq!(stderr.lines().count(), lines, "{command:?}: {stderr}");
        assert!(stderr.contains(says), "{command:?}: `{says}` is not in: {stderr}");
        assert!(!self.folder.path().join("out.onnx").exists(), "{command:?} wrote something");
    }

    #[track_caller]
    fn assert_done(&self, command: &[&str]) {
        let (status, stderr) = self.run(command);
        assert_eq!(status.code(), Some(0), "{command:?}: {status}: {stderr}");
    }

    /// The exit status and standard error of a run under limits.
    #[track_caller]
    fn run(&self, command: &[&str]) -> (ExitStatus, String) {
        let kilobytes = (MEMORY.0 + MEMORY.1 * self.size) >> 10;
        let arguments = command.iter().map(|word| match *word {
            "FILE" => self.folder.path().join("model.onnx").into_os_string(),
            "OUT" => self.folder.path().join("out.onnx").into_os_string(),
            word => word.into(),
        });
        let said = self.folder.path().join("stderr");
        let mut child = Command::new("sh")
            .args([
                "-c",
                &format!("ulimit -v {kilobytes}; ulimit -t {SECONDS}; exec \"$0\" \"$@\""),
                env!("CARGO_BIN_EXE_bn-tool"),
            ])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(File::create(&said).expect("a file"))
            .spawn()
            .expect("a shell");
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("it can be waited for") {
                break status;
            }
            if start.elapsed() > TIME {
                child.kill().expect("it can be killed");
                panic!("{command:?} takes more than {TIME:?}");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        (status, beginning(&said))
    }
}

fn beginning(path: &Path) -> String {
    let mut bytes = Vec::new();
    File::open(path).expect("a file").take(1 << 20).read_to_end(&mut bytes).expect("it can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The file of a model.
pub fn encoded(model: &ModelProto) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out);
    model.encode_fields(&mut encoder).expect("memory can be written");
    encoder.finish().expect("memory can be written");
    out
}

/// A model of this graph, in text.
pub fn model(graph: &str) -> ModelProto {
    parse(format!("<ir_version: 8, opset_import: [\"\" : 17, \"com.acme\" : 1]>\n{graph}")).expect("it parses")
}

/// A model of this graph.
pub fn with_graph(graph: GraphProto) -> ModelProto {
    let import = OperatorSetIdProto { version: Some(17), ..Default::default() };
    ModelProto { ir_version: Some(8), opset_import: vec![import], graph: Some(graph), ..Default::default() }
}

/// A node that reads and makes one value.
pub fn node(operator: &str, input: &str, output: &str) -> NodeProto {
    let op_type = Some(operator.into());
    NodeProto { op_type, input: vec![input.into()], output: vec![output.into()], ..Default::default() }
}

/// A value without a type.
pub fn value(name: &str) -> ValueInfoProto {
    ValueInfoProto { name: Some(name.into()), ..Default::default() }
}

/// A length-delimited field.
pub fn field(number: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = varint(u64::from(number) << 3 | 2);
    bytes.extend(varint(content.len() as u64));
    bytes.extend(content);
    bytes
}

pub fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
