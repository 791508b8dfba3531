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
}

/// Decides where tensors go.
pub(super) fn prepare<'m>(
    model: &'m ModelProto,
    path: &Path,
    options: &SaveOptions,
) -> Result<Prepared<'m>, SaveError> {
    let in_model = |model| Ok(Prepared { model, plan: None, moved: false });
    let size = |model: &ModelProto| if is_text(path) { 0 } else { model.fields_len() };
    let too_large = |size| SaveError::TooLarge { path: path.into(), size };
    match &options.storage {
        Storage::External(name) => {
            check_name(name, path)?;
            Ok(beside(model, Gather::All, Some(name)))
        }
        Storage::Inline => {
            let model = inlined(model);
            let size = size(&model);
            if size > options.largest { Err(too_large(size)) } else { in_model(model) }
        }
        Storage::Keep if size(model) > options.largest => {
            let moved = beside(model, Gather::Large, None);
            let left = size(model).saturating_sub(moved.plan.as_ref().map_or(0, Plan::gathered_bytes));
            let is_file = path != Path::new("-");
            if left > options.largest || !is_file {
                Err(too_large(size(model)))
            } else {
                Ok(Prepared { moved: true, ..moved })
            }
        }
        Storage::Keep if any_external(model) => Ok(beside(model, Gather::Nothing, None)),
        Storage::Keep => in_model(Cow::Borrowed(model)),
    }
}

fn beside<'m>(model: &ModelProto, gather: Gather, name: Option<&str>) -> Prepared<'m> {
    let mut model = model.clone();
    let plan = plan(&mut model, gather, name);
    Prepared { model: Cow::Owned(model), plan: Some(plan).filter(|plan| !plan.is_empty()), moved: false }
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
