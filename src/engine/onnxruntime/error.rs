//! Why onnxruntime cannot be used.

use std::path::PathBuf;

/// Why there is no onnxruntime to run models with.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// It was left out when this program was built.
    #[error(
        "this bn-tool is built without onnxruntime; `cargo install --path . --features onnxruntime` builds one with it"
    )]
    NotBuiltIn,
    /// The shared library cannot be loaded.
    #[error(
        "cannot load onnxruntime from `{}`: {cause}; name its shared library with `--onnxruntime PATH` or in \
         ORT_DYLIB_PATH (that of the Python package is onnxruntime/capi/libonnxruntime.so.VERSION)",
        path.display()
    )]
    Load {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
    /// The shared library is too old.
    #[error(
        "`{}` is onnxruntime {version}, and 1.{oldest} or later is needed; name another with `--onnxruntime PATH` \
         or in ORT_DYLIB_PATH",
        path.display()
    )]
    TooOld {
        /// The library.
        path: PathBuf,
        /// What it says of itself.
        version: String,
        /// The first minor version that is not.
        oldest: u32,
    },
    /// The library is there, but does not work.
    #[error("onnxruntime from `{}` does not start: {cause}", path.display())]
    Start {
        /// The library.
        path: PathBuf,
        /// What it says.
        cause: String,
    },
    /// Another one is in use in this process, which can load but one.
    #[error("onnxruntime from `{}` is in use in this process, which can load no other from `{}`", loaded.display(), path.display())]
    Another {
        /// The one in use.
        loaded: PathBuf,
        /// The one that was asked for.
        path: PathBuf,
    },
}
