//! The model as it will be saved: what is in it, and what beside it.

use super::{SaveError, SaveOptions, is_text};
use crate::onnx::external::{Gather, Plan, Storage, any_external, inline, plan};
use crate::onnx::schema::ModelProto;
use crate::onnx::wire::Message;
use std::borrow::Cow;
use std::path::Path;

/// A model that is ready to be written, after its data files.
pub(super) struct Prepared<'m> {
    /// The model; its entries for external data are still the old ones if there is a plan.
    pub model: Cow<'m, ModelProto>,
    /// Its data files.
    pub plan: Option<Plan>,
    /// Whether tensors move there because the model would be too large.
    pub moved: bool,
    /// How many bytes the file will have, if that is known.
    pub size: Option<u64>,
}

/// Decides where tensors go.
pub(super) fn prepare<'m>(
    model: &'m ModelProto,
    path: &Path,
    options: &SaveOptions,
) -> Result<Prepared<'m>, SaveError> {
    match &options.storage {
        Storage::External(name) => {
            check_name(name, path)?;
            Ok(beside(model, Gather::All, Some(name)))
        }
        Storage::Inline => whole(inlined(model), path, options),
        Storage::Keep if any_external(model) && (is_text(path) || model.fields_len() <= options.largest) => {
            Ok(beside(model, Gather::Nothing, None))
        }
        Storage::Keep => whole(Cow::Borrowed(model), path, options).or_else(|too_large| {
            let moved = beside(model, Gather::Large, None);
            let gathered = moved.plan.as_ref().map_or(0, Plan::gathered_bytes);
            let fits = model.fields_len().saturating_sub(gathered) <= options.largest;
            if fits && path != Path::new("-") { Ok(Prepared { moved: true, ..moved }) } else { Err(too_large) }
        }),
    }
}

/// All in one file, if it may be that large. Text may be of any size.
fn whole<'m>(model: Cow<'m, ModelProto>, path: &Path, options: &SaveOptions) -> Result<Prepared<'m>, SaveError> {
    let size = if is_text(path) { 0 } else { model.fields_len() };
    if size > options.largest {
        return Err(SaveError::TooLarge { path: path.into(), size });
    }
    Ok(Prepared { model, plan: None, moved: false, size: Some(size) })
}

fn beside<'m>(model: &ModelProto, gather: Gather, name: Option<&str>) -> Prepared<'m> {
    let mut model = model.clone();
    let plan = plan(&mut model, gather, name);
    Prepared { model: Cow::Owned(model), plan: Some(plan).filter(|plan| !plan.is_empty()), moved: false, size: None }
}

/// The model with all external tensors taken in.
pub(super) fn inlined(model: &ModelProto) -> Cow<'_, ModelProto> {
    if !any_external(model) {
        return Cow::Borrowed(model);
    }
    let mut model = model.clone();
    inline(&mut model);
    Cow::Owned(model)
}

/// A data file lies beside its model and is not the model.
fn check_name(name: &str, path: &Path) -> Result<(), SaveError> {
    let is_name = Path::new(name).file_name().is_some_and(|file_name| file_name == name);
    let is_model = path.file_name().is_some_and(|model| model == name);
    if is_name && !is_model { Ok(()) } else { Err(SaveError::DataName { name: name.into() }) }
}
