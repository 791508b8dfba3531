//! How two models are compared: flags that several commands share.

use super::arguments::{not_negative, positive};
use super::data::DataArguments;
use super::error::Failure;
use super::recorder::{Recorder, save_case};
use super::warning::warn;
use crate::engine::{HAS_ONNXRUNTIME, LibraryError};
use crate::onnx::schema::ModelProto;
use crate::verify::{EngineChoice, Limit, Verification, VerifyError, VerifyOptions, verify_with};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// How to compare two models.
#[derive(Args)]
#[command(next_help_heading = "Verification")]
pub struct VerifyArguments {
    /// How many samples to run. Default: 4 random ones, or all of --data.
    ///
    /// Where dimensions are symbolic, one more random sample is run with other lengths.
    #[arg(long, value_name = "N", value_parser = positive)]
    samples: Option<usize>,

    /// What random samples are made from: the same seed gives the same samples.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// The length of a symbolic dimension; may be repeated.
    ///
    /// Without it the first axis is 1 and others take the first usual length that works; then one sample
    /// is run with other lengths.
    #[arg(long, value_name = "NAME=LENGTH", value_parser = dimension)]
    dim: Vec<(String, usize)>,

    /// From where to where the random values of an input go; may be repeated.
    ///
    /// Without it floats are standard normal, and integers what the graph takes: indices stay within what
    /// they look up, shapes fit.
    #[arg(long, value_name = "INPUT=LOW:HIGH", value_parser = range, allow_hyphen_values = true)]
    input_range: Vec<(String, [f64; 2])>,

    /// The absolute tolerance, for all outputs or for one; may be repeated. Default: the relative one times
    /// the output's largest element.
    #[arg(long, value_name = "[OUTPUT=]X", value_parser = limit)]
    atol: Vec<(Option<String>, f64)>,

    /// The relative tolerance, for all outputs or for one; may be repeated. Default: by element type
    /// (float32: 1e-4).
    #[arg(long, value_name = "[OUTPUT=]X", value_parser = limit)]
    rtol: Vec<(Option<String>, f64)>,

    /// Save all inputs that were run here (.npz): what --data takes.
    #[arg(long, value_name = "FILE")]
    save_inputs: Option<PathBuf>,

    /// Save all outputs here (.npz), as original/NAME and result/NAME.
    #[arg(long, value_name = "FILE")]
    save_outputs: Option<PathBuf>,

    /// Where outputs differ, save the inputs of the worst sample here (.npz).
    ///
    /// Default: a file next to the result with `.failing.npz` in its name; nowhere in a dry run.
    #[arg(long, value_name = "FILE")]
    failing_case: Option<PathBuf>,

    /// Where outputs differ, find the first value inside the models that does, and what touched it.
    #[arg(long)]
    locate: bool,

    /// Which engine runs the models; `both` compares what they compute, too.
    ///
    /// tract is part of this program. onnxruntime has more operators, and is loaded from a shared library; this
    /// program has to be built for it (`--features onnxruntime`). With both, each has to find the result the
    /// same; if one cannot run the model, the report says why, and the other one decides.
    #[arg(long, value_enum, value_name = "ENGINE", default_value_t = Engine::Tract)]
    engine: Engine,

    /// The shared library of onnxruntime, or a folder that has it.
    ///
    /// Default: what ORT_DYLIB_PATH names, else what the system finds. The Python package has it in
    /// onnxruntime/capi.
    #[arg(long, value_name = "PATH")]
    onnxruntime: Option<PathBuf>,

    /// How many threads to use; 0 for one per core.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
}

/// What runs the models.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    Tract,
    Onnxruntime,
    Both,
}

impl From<Engine> for EngineChoice {
    fn from(engine: Engine) -> Self {
        match engine {
            Engine::Tract => EngineChoice::Tract,
            Engine::Onnxruntime => EngineChoice::OnnxRuntime,
            Engine::Both => EngineChoice::Both,
        }
    }
}

impl VerifyArguments {
    /// The options of the comparison, on this data if there is any.
    pub fn options(&self, data: Option<&DataArguments>) -> Result<VerifyOptions, Failure> {
        let data = data.filter(|data| !data.is_empty());
        if data.is_some() && !(self.dim.is_empty() && self.input_range.is_empty()) {
            return Err(Failure::Usage("--dim and --input-range are for random samples, not for --data".into()));
        }
        if self.engine != Engine::Tract && !HAS_ONNXRUNTIME {
            return Err(VerifyError::from(LibraryError::NotBuiltIn).into());
        }
        if self.engine == Engine::Tract && self.onnxruntime.is_some() {
            return Err(Failure::Usage("--onnxruntime is for `--engine onnxruntime` and `--engine both`".into()));
        }
        Ok(VerifyOptions {
            seed: self.seed,
            samples: self.samples,
            dims: self.dim.iter().cloned().collect(),
            ranges: self.input_range.iter().cloned().collect(),
            data: data.map(DataArguments::options).transpose()?,
            locate: self.locate,
            engine: self.engine.into(),
            onnxruntime: self.onnxruntime.clone(),
            threads: self.threads,
            atol: gathered(&self.atol),
            rtol: gathered(&self.rtol),
        })
    }

    /// Compares two models, and saves what was run as far as that is wanted. Where they differ, the inputs
    /// go to `case` unless another file was named.
    pub fn compare(
        &self,
        [original, result]: [&ModelProto; 2],
        options: &VerifyOptions,
        case: Option<PathBuf>,
        quiet: bool,
    ) -> Result<Verification, VerifyError> {
        let mut recorder = Recorder::new(original, [self.save_inputs.is_some(), self.save_outputs.is_some()], quiet);
        let mut verification = verify_with(original, result, options, &mut recorder)?;
        recorder.save(self.save_inputs.as_deref(), self.save_outputs.as_deref()).map_err(VerifyError::Observer)?;
        if let Some(failing) = &mut verification.failing
            && let Some(path) = self.failing_case.clone().or(case)
        {
            match save_case(failing, &path) {
                Ok(()) => failing.file = Some(path.display().to_string()),
                Err(error) => warn(&format!("the inputs that differ are not saved in `{}`: {error}", path.display())),
            }
        }
        Ok(verification)
    }
}

/// Where the inputs of a failing sample go by default: `folded.onnx` gives `folded.failing.npz`.
pub fn failing_case_of(result: &Path) -> PathBuf {
    let name = if result == Path::new("-") { Path::new("bn-tool") } else { result };
    name.with_extension("failing.npz")
}

fn gathered(limits: &[(Option<String>, f64)]) -> Limit {
    let mut gathered = Limit::default();
    for (output, limit) in limits {
        match output {
            Some(output) => _ = gathered.of.insert(output.clone(), *limit),
            None => gathered.all = Some(*limit),
        }
    }
    gathered
}

fn dimension(text: &str) -> Result<(String, usize), String> {
    let (name, length) = text.split_once('=').ok_or("expected NAME=LENGTH, as in batch=8")?;
    match length.parse() {
        Ok(length) if length > 0 && !name.is_empty() => Ok((name.into(), length)),
        _ => Err("expected NAME=LENGTH with a positive length, as in batch=8".into()),
    }
}

fn range(text: &str) -> Result<(String, [f64; 2]), String> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let parsed = text.rsplit_once('=').and_then(|(name, range)| {
        let (low, high) = range.split_once(':')?;
        Some((name, number(low)?, number(high)?))
    });
    match parsed {
        Some((name, low, high)) if low <= high && !name.is_empty() => Ok((name.into(), [low, high])),
        _ => Err("expected INPUT=LOW:HIGH, as in tokens=0:30521".into()),
    }
}

fn limit(text: &str) -> Result<(Option<String>, f64), String> {
    let (output, limit) =
        text.rsplit_once('=').map_or((None, text), |(output, limit)| (Some(output.to_owned()), limit));
    Ok((output, not_negative(limit)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_limits_name_what_they_are_for() {
        assert_eq!(range("x=-1:1"), Ok(("x".into(), [-1.0, 1.0])));
        assert_eq!(range("a=b=0:1e3"), Ok(("a=b".into(), [0.0, 1e3])));
        for wrong in ["x", "x=1", "x=2:1", "=0:1", "x=0:nan", "x=0:inf"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
        assert_eq!(limit("1e-3"), Ok((None, 1e-3)));
        assert_eq!(limit("out/0=1e-3"), Ok((Some("out/0".into()), 1e-3)));
        assert!(limit("out=-1").is_err() && limit("out=").is_err());
    }

    #[test]
    fn the_failing_case_lies_beside_the_result() {
        assert_eq!(failing_case_of(Path::new("a/folded.onnx")), Path::new("a/folded.failing.npz"));
        assert_eq!(failing_case_of(Path::new("-")), Path::new("bn-tool.failing.npz"));
    }
}
