//! The shared library, loaded once.

use super::LibraryError;
use super::session::Network;
use crate::engine::error::{EngineError, one_line};
use crate::engine::guarded;
use crate::onnx::schema::ModelProto;
use crate::parallel::lock;
use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::{LoadDynamicError, MINOR_VERSION};
use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Names the library where no path was given, as for all programs that use the crate `ort`.
const VARIABLE: &str = "ORT_DYLIB_PATH";

/// A process can load one library and create one environment.
static LOADED: Mutex<Option<OnnxRuntime>> = Mutex::new(None);

/// onnxruntime, ready to run models.
#[derive(Clone, Debug)]
pub struct OnnxRuntime {
    environment: Environment,
    library: Arc<Path>,
    version: Arc<str>,
}

impl OnnxRuntime {
    /// Loads the library: the one at this path, which may be a folder that has it; else that which the
    /// variable `ORT_DYLIB_PATH` names; else whichever the system finds.
    ///
    /// # Errors
    /// When there is none, it is too old, or another one is in use in this process.
    pub fn load(path: Option<&Path>) -> Result<Self, LibraryError> {
        let path = located(path);
        let mut loaded = lock(&LOADED);
        match &*loaded {
            Some(runtime) if *runtime.library == *path => Ok(runtime.clone()),
            Some(runtime) => Err(LibraryError::Another { loaded: runtime.library.to_path_buf(), path }),
            None => Ok(loaded.insert(start(path)?).clone()),
        }
    }

    /// Where it comes from.
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// Its version: major and minor.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Prepares a model to be run.
    ///
    /// # Errors
    /// When a constant cannot be read or overflows, or onnxruntime refuses the model.
    pub fn network(&self, model: &ModelProto) -> Result<Network, EngineError> {
        Network::new(&self.environment, model)
    }
}

/// The path of the library, absolute if it is there: `ort` would look beside this program first.
fn located(path: Option<&Path>) -> PathBuf {
    let of_variable = || env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let of_system = || format!("{}onnxruntime{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX).into();
    let Some(path) = path.map(Path::to_path_buf).or_else(of_variable) else { return of_system() };
    let file = if path.is_dir() { found_in(&path).unwrap_or(path) } else { path };
    file.canonicalize().unwrap_or(file)
}

/// The library in a folder, or where a Python package or a release has it below.
fn found_in(folder: &Path) -> Option<PathBuf> {
    let is_library = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("libonnxruntime.") && (name.contains(".so") || name.ends_with(".dylib"))
    };
    let files = |folder: PathBuf| folder.read_dir().into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    ["", "capi", "lib"].iter().find_map(|below| files(folder.join(below)).filter(is_library).min())
}

/// Loads it, and keeps it from writing to standard error, which is for one line of ours.
fn start(path: PathBuf) -> Result<OnnxRuntime, LibraryError> {
    let fails = |cause: &str| LibraryError::Start { path: path.clone(), cause: one_line(cause) };
    let loaded = guarded(|| ort::init_from(&path)).map_err(|panic| fails(&panic))?;
    let builder = loaded.map_err(|error| unusable(error, &path))?;
    let silent = Arc::new(|_: LogLevel, _: &str, _: &str, _: &str, _: &str| {});
    let build = || builder.with_name("bn-tool").with_telemetry(false).with_logger(silent).build();
    let environment = guarded(build).map_err(|panic| fails(&panic))?.map_err(|error| fails(&error.to_string()))?;
    environment.set_log_level(LogLevel::Fatal);
    let version = ort::util::probe(&path).map_or("1".into(), |minor| format!("1.{minor}"));
    Ok(OnnxRuntime { environment, library: path.into(), version: version.into() })
}

fn unusable(error: LoadDynamicError, path: &Path) -> LibraryError {
    let cause = match error {
        LoadDynamicError::BadVersion { version_str, path } => {
            return LibraryError::TooOld { path, version: version_str, oldest: MINOR_VERSION };
        }
        LoadDynamicError::Dlopen { error, .. } => {
            // What the system says.
            let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            one_line(&cause)
        }
        LoadDynamicError::MissingApi { .. } => "it is another library".into(),
        LoadDynamicError::InvalidVersionString => "it does not say which version it is".into(),
    };
    LibraryError::Load { path: path.into(), cause }
}
