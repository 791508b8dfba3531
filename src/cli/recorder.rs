//! Taking down what models were run on, and what came out.

use super::progress::Progress;
use crate::data::{Series, save_npz};
use crate::engine::{Array, required_inputs};
use crate::onnx::access::text;
use crate::onnx::schema::ModelProto;
use crate::verify::{FailingCase, Observer, Sample};
use std::io;
use std::path::Path;

/// Arrays by name. Those of another shape than the first of their name are under `other-sizes/`.
#[derive(Default)]
struct Archive(Vec<(String, Series)>);

impl Archive {
    fn add(&mut self, name: String, array: &Array) -> io::Result<()> {
        let fits = |(own, series): &(String, Series)| *own == name && series.takes(array);
        let place = match self.0.iter().position(fits) {
            Some(place) => place,
            None => {
                let known = self.0.iter().any(|(own, _)| *own == name);
                let series = Series::like(array, if known { format!("other-sizes/{name}") } else { name.clone() })?;
                self.0.push((name, series));
                self.0.len() - 1
            }
        };
        self.0[place].1.add(array)
    }

    fn save(self, path: &Path) -> io::Result<()> {
        save_npz(path, &mut self.0.into_iter().map(|(_, series)| series).collect::<Vec<_>>())
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
            inputs.iter().zip(sample.inputs).try_for_each(|(name, array)| archive.add(name.clone(), array))?;
        }
        if let Some(archive) = &mut self.outputs {
            for (model, arrays) in [("original", sample.original), ("result", sample.result)] {
                let named = outputs.iter().zip(arrays);
                named.into_iter().try_for_each(|(name, array)| archive.add(format!("{model}/{name}"), array))?;
            }
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
    case.inputs.iter().try_for_each(|(name, array)| archive.add(name.clone(), array))?;
    archive.save(path)
}
