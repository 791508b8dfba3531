//! Which engines run the models, and what they have compiled of them.

use super::inputs::{Finder, Round};
use super::report::EngineReport;
use super::{EngineChoice, VerifyError, VerifyOptions};
use crate::engine::{Compiled, EngineError, LibraryError, OnnxRuntime, Runtime, unsupported_operators};
use crate::onnx::schema::ModelProto;
use crate::parallel::lock;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

/// An engine with two models: the original and the result.
pub struct Engine<'m> {
    /// The engine.
    pub runtime: Runtime,
    models: [&'m ModelProto; 2],
    /// What it compiled last of each.
    kept: [Mutex<Option<Kept>>; 2],
}

/// A model, compiled for some shapes.
struct Kept {
    shapes: Vec<Vec<usize>>,
    compiled: Compiled,
}

impl<'m> Engine<'m> {
    fn new(runtime: Runtime, models: [&'m ModelProto; 2]) -> Self {
        Engine { runtime, models, kept: Default::default() }
    }

    /// The original (0) or the result (1), compiled for these shapes.
    ///
    /// # Errors
    /// When the engine cannot run it.
    pub fn compiled(&self, side: usize, shapes: &[Vec<usize>]) -> Result<Compiled, EngineError> {
        let mut kept = lock(&self.kept[side]);
        let fits = |kept: &&Kept| kept.compiled.takes_any_shape() || kept.shapes == shapes;
        if let Some(kept) = kept.as_ref().filter(fits) {
            return Ok(kept.compiled.clone());
        }
        // Not two of them at a time.
        *kept = None;
        let compiled = self.runtime.compile(self.models[side], shapes)?;
        *kept = Some(Kept { shapes: shapes.to_vec(), compiled: compiled.clone() });
        Ok(compiled)
    }

    /// The original, compiled for shapes that may be wrong for it. If they are right, the result is wanted next:
    /// it is compiled beside it, and whatever is wrong with it is found then.
    ///
    /// # Errors
    /// When the engine cannot run the original.
    pub fn original(&self, shapes: &[Vec<usize>]) -> Result<Compiled, EngineError> {
        let [original, _] = side_by_side(|side| self.compiled(side, shapes));
        original
    }

    /// Both models, compiled for these shapes.
    ///
    /// # Errors
    /// When the engine cannot run one of them.
    pub fn both(&self, shapes: &[Vec<usize>]) -> Result<[Compiled; 2], VerifyError> {
        let [original, result] = side_by_side(|side| self.compiled(side, shapes));
        Ok([original.map_err(VerifyError::original)?, result.map_err(VerifyError::result)?])
    }

    /// Lets go of what was compiled.
    pub fn forget(&self) {
        self.kept.iter().for_each(|kept| *lock(kept) = None);
    }

    /// Lists the operators that it lacks, before anything is run.
    fn check(&self) -> Result<(), VerifyError> {
        let Runtime::Tract = self.runtime else { return Ok(()) };
        let [original, result] = self.models.map(|model| match unsupported_operators(model) {
            operators if operators.is_empty() => Ok(()),
            operators => Err(EngineError::Unsupported { operators }),
        });
        original.map_err(VerifyError::Original)?;
        result.map_err(VerifyError::Result)
    }

    /// Runs the original on the first sample of a round.
    fn try_on(&self, round: &Round) -> Result<(), VerifyError> {
        let inputs = round.inputs(0)?;
        let run = || self.compiled(0, &round.shapes.shapes)?.runner()?.run(&inputs);
        run().map(|_| ()).map_err(VerifyError::original)
    }

    fn report(&self, unavailable: Option<String>) -> EngineReport {
        let library = match &self.runtime {
            Runtime::Tract => None,
            Runtime::OnnxRuntime(runtime) => Some(runtime),
        };
        EngineReport {
            name: self.runtime.name(),
            version: library.map(|library| library.version().to_owned()),
            library: library.map(|library| library.library().display().to_string()),
            unavailable,
        }
    }
}

/// The engines that run the models, and on what.
pub struct Selection<'m> {
    /// One, or two if both were asked for and can run the original.
    pub engines: Vec<Engine<'m>>,
    /// What to say of those that were asked.
    pub reports: Vec<EngineReport>,
    /// The first samples.
    pub round: Round,
}

/// Loads the engines that were asked for, and finds samples that the original runs on. Of two engines, one
/// may fail at that.
///
/// # Errors
/// When no engine can run the original, tract lacks operators of the result only, or there is no library.
pub fn select<'m>(
    models: [&'m ModelProto; 2],
    finder: &Finder,
    options: &VerifyOptions,
) -> Result<Selection<'m>, VerifyError> {
    let runtimes = runtimes(options.engine, options.onnxruntime.as_deref())?;
    let asked_two = runtimes.len() > 1;
    let (mut engines, mut reports, mut round) = (Vec::new(), Vec::new(), None);
    for runtime in runtimes {
        let engine = Engine::new(runtime, models);
        match begin(&engine, finder, round.as_ref(), asked_two) {
            Ok(found) => {
                round = found.or(round);
                reports.push(engine.report(None));
                engines.push(engine);
            }
            Err(VerifyError::Original(error)) if asked_two => reports.push(engine.report(Some(error.to_string()))),
            Err(other) => return Err(other),
        }
    }
    match round {
        Some(round) => Ok(Selection { engines, reports, round }),
        None => Err(no_engine(&reports)),
    }
}

/// Samples for the original, if there are none yet; else whether it runs on those, in this engine.
fn begin(engine: &Engine, finder: &Finder, round: Option<&Round>, two: bool) -> Result<Option<Round>, VerifyError> {
    engine.check()?;
    if let Some(round) = round {
        return engine.try_on(round).map(|()| None);
    }
    let round = finder.first(engine)?;
    if two {
        engine.try_on(&round)?;
    }
    Ok(Some(round))
}

fn no_engine(reports: &[EngineReport]) -> VerifyError {
    let reason = |report: &EngineReport| {
        let (name, reason) = (report.name, report.unavailable.as_ref()?);
        Some(if reason.starts_with(name) { reason.clone() } else { format!("{name}: {reason}") })
    };
    VerifyError::NoEngine { reasons: reports.iter().filter_map(reason).collect::<Vec<_>>().join("; ") }
}

/// The engines of a choice; onnxruntime comes from this library.
///
/// # Errors
/// When the library cannot be used.
pub fn runtimes(choice: EngineChoice, library: Option<&Path>) -> Result<Vec<Runtime>, LibraryError> {
    let onnxruntime = || OnnxRuntime::load(library).map(Runtime::OnnxRuntime);
    Ok(match choice {
        EngineChoice::Tract => vec![Runtime::Tract],
        EngineChoice::OnnxRuntime => vec![onnxruntime()?],
        EngineChoice::Both => vec![Runtime::Tract, onnxruntime()?],
    })
}

/// Does something for the original (0) and the result (1), side by side if there is a thread.
pub fn side_by_side<T: Send>(work: impl Fn(usize) -> T + Sync) -> [T; 2] {
    thread::scope(|scope| {
        let other = thread::Builder::new().spawn_scoped(scope, || work(1));
        let own = work(0);
        let other = other.ok().and_then(|other| other.join().ok());
        [own, other.unwrap_or_else(|| work(1))]
    })
}
