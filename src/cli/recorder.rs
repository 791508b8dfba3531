//! Taking down what models were run on, and what came out.

use super::progress::Progress;
use crate::data::{Series, save_npz};
use crate::engine::{Array, required_inputs};
use crate::onnx::access::text;
use crate::onnx::schema::ModelProto;
use crate::verify::{FailingCase, Observer, Sample};
use std::io;
use std::path::Path;

/// Samples by shape: those that have the shapes of the first one, one behind the other under their names; those
/// of others under `other-sizes/`, `other-sizes/2/` and so on.
#[derive(Default)]
struct Archive(Vec<Kind>);

/// Samples of the same shapes.
struct Kind {
    shapes: Vec<Vec<usize>>,
    series: Vec<Series>,
}

impl Archive {
    fn add<'a>(&mut self, arrays: impl Iterator<Item = (String, &'a Array)> + Clone) -> io::Result<()> {
        let shapes: Vec<_> = arrays.clone().map(|(_, array)| array.shape().to_vec()).collect();
        let kind = match self.0.iter().position(|kind| kind.shapes == shapes) {
            Some(kind) => kind,
            None => {
                let folder = match self.0.len() {
                    0 => String::new(),
                    1 => "other-sizes/".into(),
                    number => format!("other-sizes/{number}/"),
                };
                let like = |(name, array): (String, &Array)| Series::like(array, format!("{folder}{name}"));
                self.0.push(Kind { shapes, series: arrays.clone().map(like).collect::<io::Result<_>>()? });
                self.0.len() - 1
            }
        };
        self.0[kind].series.iter_mut().zip(arrays).try_for_each(|(series, (_, array))| series.add(array))
    }

    fn save(self, path: &Path) -> io::Result<()> {
        save_npz(path, &mut self.0.into_iter().flat_map(|kind| kind.series).collect::<Vec<_>>())
    }
}

/// Shows how far a verification is, and keeps its samples if they are wanted.
pub struct Recorder {
    progress: Progress,
    names: [Vec<String>; 2],
    inputs: Option<Archive>,
    outputs: Option<Archive>,
}

impl Recorder {
    /// Of a model; keeps inputs and outputs, if they are wanted.
    pub fn new(model: &ModelProto, [inputs, outputs]: [bool; 2], quiet: bool) -> Self {
        let names = [
            required_inputs(model).map(|info| text(&info.name).to_string()).collect(),
            model.graph.iter().flat_map(|graph| &graph.output).map(|info| text(&info.name).to_string()).collect(),
        ];
        let archive = |wanted: bool| wanted.then(Archive::default);
        let progress = Progress::new("verifying", quiet);
        Recorder { progress, names, inputs: archive(inputs), outputs: archive(outputs) }
    }

    /// Writes what was kept.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(self, inputs: Option<&Path>, outputs: Option<&Path>) -> io::Result<()> {
        for (archive, path) in [(self.inputs, inputs), (self.outputs, outputs)] {
            if let (Some(archive), Some(path)) = (archive, path) {
                archive
                    .save(path)
                    .map_err(|error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display())))?;
            }
        }
        Ok(())
    }
}

impl Observer for Recorder {
    fn progress(&mut self, done: usize, total: usize) {
        self.progress.set(done, total);
    }

    fn sample(&mut self, sample: &Sample) -> io::Result<()> {
        let [inputs, outputs] = &self.names;
        if let Some(archive) = &mut self.inputs {
            archive.add(inputs.iter().cloned().zip(sample.inputs))?;
        }
        if let Some(archive) = &mut self.outputs {
            let named = |model: &'static str, arrays| {
                outputs.iter().zip::<&[Array]>(arrays).map(move |(name, array)| (format!("{model}/{name}"), array))
            };
            archive.add(named("original", sample.original).chain(named("result", sample.result)))?;
        }
        Ok(())
    }
}

/// Writes the inputs of a sample.
///
/// # Errors
/// When they cannot be written.
pub fn save_case(case: &FailingCase, path: &Path) -> io::Result<()> {
    let mut archive = Archive::default();
    archive.add(case.inputs.iter().map(|(name, array)| (name.clone(), array)))?;
    archive.save(path)
}
