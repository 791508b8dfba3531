//! Statistics in a file: safetensors, so that other tools can read them.
//!
//! The metadata has one key, [`KEY`]: the header and the names of the BatchNormalizations, as JSON. Each
//! of them has the tensors `NAME/count` (U64), `NAME/mean`, `NAME/m2` and, if it normalised by running
//! statistics, `NAME/in_place_mean`, `NAME/in_place_variance` (F64), all `[C]`; and `NAME/epsilon`, `[1]`.
//!
//! Format: <https://huggingface.co/docs/safetensors>.

use super::RunningStatistics;
use super::collection::{Collection, Header, Inconsistent, NormStatistics};
use super::moments::{Moment, Moments};
use crate::onnx::AtomicFile;
use safetensors::tensor::{Dtype, SafeTensorError, TensorView};
use safetensors::{SafeTensors, serialize};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The key of the metadata.
pub const KEY: &str = "bn_tool_statistics";
/// The version of the format; it grows when a reader of the last one would misunderstand it.
pub const VERSION: u32 = 1;
/// No file of statistics is larger: 1 GiB is 26 million channels.
const LARGEST: u64 = 1 << 30;
/// No header is: what is made of it in memory is several times as large.
const LARGEST_HEADER: u64 = 32 << 20;

/// Why a file of statistics cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{} `{}`: {source}", if *.writing { "cannot write" } else { "cannot read statistics from" }, path.display())]
pub struct StatisticsError {
    /// The file.
    pub path: PathBuf,
    /// Whether it was to be written.
    pub writing: bool,
    /// Why not.
    pub source: Cause,
}

/// What is wrong with a file of statistics.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The system refuses.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("it is no file of statistics; `bn-tool stats collect` makes them")]
    Other,
    /// It is too large to be one.
    #[error("it is larger than any file of statistics")]
    TooLarge,
    /// The format is newer.
    #[error("its format is version {0}, this bn-tool reads up to {VERSION}: use a newer one")]
    Newer(u32),
    /// It is damaged.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// What it says contradicts itself.
    #[error("it contradicts itself: {0}")]
    Inconsistent(#[from] Inconsistent),
}

/// What the metadata holds.
#[derive(Serialize, Deserialize)]
struct Metadata {
    version: u32,
    #[serde(flatten)]
    header: Header,
    norms: Vec<String>,
}

/// Only the version: what else there is may have changed.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// Reads a file of statistics.
///
/// # Errors
/// When it cannot be read, or is none.
pub fn read(path: &Path) -> Result<Collection, StatisticsError> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
        decode(&bytes)
    };
    read().map_err(|source| StatisticsError { path: path.into(), writing: false, source })
}

/// Writes a file of statistics, whole or not at all; a device or a pipe is written to.
///
/// # Errors
/// When it cannot be written, or the statistics contradict themselves.
pub fn write(collection: &Collection, path: &Path) -> Result<(), StatisticsError> {
    let write = || {
        let bytes = encode(collection)?;
        if path.metadata().is_ok_and(|old| !old.is_file() && !old.is_dir()) {
            return Ok(File::options().write(true).open(path)?.write_all(&bytes)?);
        }
        if path.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
        }
        let mut file = AtomicFile::create(path)?;
        file.write_all(&bytes)?;
        Ok(file.commit()?)
    };
    write().map_err(|source| StatisticsError { path: path.into(), writing: true, source })
}

/// The bytes of a file.
///
/// # Errors
/// When the statistics contradict themselves, or are too many.
pub fn encode(collection: &Collection) -> Result<Vec<u8>, Cause> {
    collection.check()?;
    let norms: Vec<String> = collection.norms.iter().map(|norm| norm.name.clone()).collect();
    let metadata = Metadata { version: VERSION, header: collection.header.clone(), norms };
    let json = serde_json::to_string(&metadata).map_err(|error| Cause::Damaged(error.to_string()))?;
    let tensors: Vec<(String, Dtype, Vec<u8>)> = collection.norms.iter().flat_map(tensors).collect();
    let views = tensors.iter().map(|(name, dtype, bytes)| {
        let view = TensorView::new(*dtype, vec![bytes.len() / 8], bytes)?;
        Ok((name.as_str(), view))
    });
    let views = views.collect::<Result<Vec<_>, SafeTensorError>>()?;
    Ok(serialize(views, Some(HashMap::from([(KEY.into(), json)])))?)
}

/// Names, types and little-endian elements of the tensors of one BatchNormalization, 8 bytes each.
fn tensors(norm: &NormStatistics) -> Vec<(String, Dtype, Vec<u8>)> {
    let name = |what: &str| format!("{}/{what}", norm.name);
    let bytes = |values: &[f64]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let channels = &norm.moments.channels;
    let counts = channels.iter().flat_map(|moment| moment.count.to_le_bytes()).collect();
    let squares: Vec<f64> = channels.iter().map(|moment| moment.m2).collect();
    let mut tensors = vec![
        (name("count"), Dtype::U64, counts),
        (name("mean"), Dtype::F64, bytes(&norm.moments.means())),
        (name("m2"), Dtype::F64, bytes(&squares)),
        (name("epsilon"), Dtype::F64, bytes(&[norm.epsilon])),
    ];
    if let Some(place) = &norm.in_place {
        tensors.push((name("in_place_mean"), Dtype::F64, bytes(&place.mean)));
        tensors.push((name("in_place_variance"), Dtype::F64, bytes(&place.variance)));
    }
    tensors
}

/// Statistics from the bytes of a file.
///
/// # Errors
/// When they are none.
pub fn decode(bytes: &[u8]) -> Result<Collection, Cause> {
    let header = bytes.first_chunk().map(|len| u64::from_le_bytes(*len)).ok_or(Cause::Other)?;
    if bytes.len() as u64 > LARGEST || (header > LARGEST_HEADER && header < bytes.len() as u64) {
        return Err(Cause::TooLarge);
    }
    let (_, head) = SafeTensors::read_metadata(bytes).map_err(|_| Cause::Other)?;
    let json = head.metadata().as_ref().and_then(|metadata| metadata.get(KEY)).ok_or(Cause::Other)?;
    let damaged = |error: serde_json::Error| Cause::Damaged(error.to_string());
    let Version { version } = serde_json::from_str(json).map_err(damaged)?;
    if version > VERSION {
        return Err(Cause::Newer(version));
    }
    let Metadata { header, norms, .. } = serde_json::from_str(json).map_err(damaged)?;
    let tensors = SafeTensors::deserialize(bytes)?;
    let norms = norms.into_iter().map(|name| norm(&tensors, name)).collect::<Result<_, _>>()?;
    let collection = Collection { header, norms };
    collection.check()?;
    Ok(collection)
}

fn norm(tensors: &SafeTensors, name: String) -> Result<NormStatistics, Cause> {
    let find = |what: &str| tensors.tensor(&format!("{name}/{what}")).ok();
    let count = elements(find("count"), Dtype::U64, &name, u64::from_le_bytes)?;
    let floats = |what: &str| elements(find(what), Dtype::F64, &name, f64::from_le_bytes);
    let (mean, m2) = (floats("mean")?, floats("m2")?);
    if count.len() != mean.len() || count.len() != m2.len() {
        return Err(Inconsistent::Channels(name).into());
    }
    let moments = count.into_iter().zip(mean).zip(m2).map(|((count, mean), m2)| Moment { count, mean, m2 });
    let moments = Moments { channels: moments.collect() };
    let is_in_place = find("in_place_mean").is_some() || find("in_place_variance").is_some();
    let in_place =
        || Ok::<_, Cause>(RunningStatistics { mean: floats("in_place_mean")?, variance: floats("in_place_variance")? });
    let in_place = is_in_place.then(in_place).transpose()?;
    let [epsilon] = floats("epsilon")?[..] else { return Err(Inconsistent::Number(name).into()) };
    Ok(NormStatistics { name, moments, in_place, epsilon })
}

fn elements<T>(
    tensor: Option<TensorView>,
    dtype: Dtype,
    name: &str,
    read: impl Fn([u8; 8]) -> T,
) -> Result<Vec<T>, Cause> {
    let fits = |tensor: &TensorView| tensor.dtype() == dtype && tensor.shape().len() == 1;
    let wrong = || Cause::Damaged(format!("a tensor of `{name}` is missing, or has another type or shape"));
    let tensor = tensor.filter(fits).ok_or_else(wrong)?;
    Ok(tensor.data().as_chunks().0.iter().map(|bytes| read(*bytes)).collect())
}

impl From<SafeTensorError> for Cause {
    fn from(error: SafeTensorError) -> Cause {
        match error {
            SafeTensorError::HeaderTooLarge => Cause::TooLarge,
            error => Cause::Damaged(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
