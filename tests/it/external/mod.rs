//! External data, through the real binary. Models are written by hand: entries as ONNX text,
//! data files as bytes.

mod collisions;
mod hostile;
mod large;
mod layout;
mod naming;
mod storage;

use crate::tool::{Run, run};
use bn_tool::onnx::load;
use bn_tool::onnx::schema::{ModelProto, TensorProto};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Bytes of the data file that no tensor has.
const UNUSED: u8 = 0xa5;

/// A folder with `model.onnxtxt`, one Conv and one BatchNormalization that doubles it and adds
/// (3, 4), all of it in `model.data`.
struct Example {
    folder: TempDir,
}

/// Where the tensors of the example are.
const RANGES: [(&str, &str, usize, &[f32]); 6] = [
    ("W", "float[2,2,1,1]", 64, &[1.0, 2.0, 3.0, 4.0]),
    ("b", "float[2]", 96, &[0.5, -0.5]),
    ("s", "float[2]", 104, &[2.0, 2.0]),
    ("B", "float[2]", 112, &[3.0, 4.0]),
    ("m", "float[2]", 120, &[0.0, 0.0]),
    ("v", "float[2]", 128, &[0.75, 0.75]),
];

impl Example {
    fn new() -> Example {
        let initializers = RANGES.map(|(name, r#type, offset, values)| {
            let length = values.len() * 4;
            format!(
                "{type} {name} = [\"location\": \"model.data\", \"offset\": \"{offset}\", \"length\": \"{length}\"]"
            )
        });
        let mut data = vec![UNUSED; 150];
        for (_, _, offset, values) in RANGES {
            data[offset..offset + values.len() * 4].copy_from_slice(&bytes(values));
        }
        Example::with(&initializers.join(", "), &data)
    }

    /// The same network with other initializers.
    fn with(initializers: &str, data: &[u8]) -> Example {
        let folder = tempfile::tempdir().expect("a folder");
        let text = format!(
            "<ir_version: 8, opset_import: [\"\" : 17]>
            g (float[1,2,1,1] x) => (float[1,2,1,1] y) <{initializers}> {{
                [conv] c = Conv (x, W, b)
                [norm] y = BatchNormalization <epsilon = 0.25> (c, s, B, m, v)
            }}"
        );
        fs::write(folder.path().join("model.onnxtxt"), text).expect("it is written");
        fs::write(folder.path().join("model.data"), data).expect("it is written");
        Example { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn model(&self) -> PathBuf {
        self.path("model.onnxtxt")
    }

    /// Folds, with these arguments after the model.
    fn fold(&self, arguments: &[&str]) -> Run {
        let model = self.model();
        let arguments = arguments.iter().map(|argument| match argument.strip_prefix("@") {
            Some(name) => self.path(name).into_os_string(),
            None => argument.into(),
        });
        run(&["fold".into(), model.into_os_string()].into_iter().chain(arguments).collect::<Vec<_>>())
    }

    /// Folds successfully, to this file.
    fn fold_to(&self, name: &str, arguments: &[&str]) -> String {
        let target = format!("@{name}");
        let run = self.fold(&[&["-o", &target], arguments].concat());
        assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
        run.text().replace(&self.folder.path().display().to_string(), "…")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn tensor<'m>(model: &'m ModelProto, name: &str) -> &'m TensorProto {
    let graph = model.graph.as_ref().expect("there is one");
    graph.initializer.iter().find(|tensor| tensor.name.as_ref().is_some_and(|own| own == name)).expect("it is there")
}

/// `(location, offset, length)` as the file has them.
fn entries(model: &ModelProto, name: &str) -> Vec<String> {
    let value = |key: &str| {
        let entry = tensor(model, name).external_data.iter().find(|entry| entry.key.as_ref().unwrap() == key);
        entry.map_or(String::new(), |entry| entry.value.as_ref().unwrap().to_string())
    };
    ["location", "offset", "length"].map(value).into()
}

/// The values of the folded Conv: W and b doubled, b plus (3, 4).
fn assert_folded(path: &Path) -> ModelProto {
    let model = load(path).expect("it loads");
    assert_eq!(model.graph.as_ref().unwrap().node.len(), 1);
    assert_eq!(tensor(&model, "W").float_values().unwrap(), [2.0, 4.0, 6.0, 8.0]);
    assert_eq!(tensor(&model, "b").float_values().unwrap(), [4.0, 3.0]);
    model
}
