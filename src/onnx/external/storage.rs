//! Which tensors are in which file.

use super::layout::{Layout, Range};
use super::location::{Location, with_entry};
use super::name::Wanted;
use super::tensors::{Place, visit};
use crate::onnx::access::text;
use crate::onnx::external_data::{DataFile, ExternalData, Resolved};
use crate::onnx::payload::Payload;
use crate::onnx::schema::{ModelProto, StringStringEntryProto as Entry, TensorProto};
use std::collections::HashMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Smaller tensors are not worth an entry in a data file; the threshold of `onnx.save`.
const LARGE: u64 = 1 << 10;

/// Where a saved model keeps the elements of its tensors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// Where they are: in the model, or in data files of the same layout. The large
    /// initializers of a model that would pass 2 GiB move to `OUT.data`.
    #[default]
    Keep,
    /// Initializers of 1 KiB and more, and all that was external, in one file of this name
    /// beside the model.
    External(String),
    /// In the model.
    Inline,
}

/// The data files of a model that is to be saved, and what is in them.
pub struct Plan {
    pub(super) files: Vec<PlannedFile>,
    /// One per tensor of the model: its file, and which of the file's offsets is its own.
    homes: Vec<Option<(usize, usize)>>,
}

/// One data file.
pub(super) struct PlannedFile {
    pub wanted: Wanted,
    pub layout: Layout,
    /// The old file, and whether the new one has the same bytes.
    pub old: Option<(Arc<DataFile>, bool)>,
}

/// Which tensors go to a common new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gather {
    /// None.
    Nothing,
    /// Large initializers that are in the model.
    Large,
    /// These, and all that is external.
    All,
}

/// Decides where each tensor goes; what goes to a common file goes to `name`, or to `OUT.data`.
pub fn plan(model: &mut ModelProto, gather: Gather, name: Option<&str>) -> Plan {
    let mut planner = Planner { gather, groups: Vec::new(), by_file: HashMap::new() };
    let mut homes = Vec::new();
    let Ok(()) = visit(model, &mut |place, tensor| {
        homes.push(planner.home(place, tensor));
        Ok::<(), Infallible>(())
    });
    let only = planner.groups.iter().filter(|group| group.old.is_some()).count() == 1;
    let files = planner.groups.into_iter().map(|group| group.plan(name, only)).collect();
    Plan { files, homes }
}

struct Planner {
    gather: Gather,
    groups: Vec<Group>,
    /// The group of a file, by its device and inode; `None` is the common new file.
    by_file: HashMap<Option<(u64, u64)>, usize>,
}

/// What is collected for one data file.
struct Group {
    old: Option<(Arc<DataFile>, PathBuf)>,
    ranges: Vec<Range>,
}

impl Planner {
    /// The place of a tensor in a group, if it goes to a data file.
    fn home(&mut self, place: Place, tensor: &TensorProto) -> Option<(usize, usize)> {
        let resolved = tensor.external_data.resolved.as_deref().filter(|_| tensor.is_external());
        let (old, range) = match resolved {
            Some(Resolved { file, offset, payload, edited }) if self.gather != Gather::All => {
                (Some(file), Range { offset: *offset, payload: payload.clone(), edited: *edited })
            }
            resolved => (None, Range { offset: 0, payload: self.gathered(place, tensor, resolved)?, edited: true }),
        };
        let group = *self.by_file.entry(old.map(|old| old.file.id())).or_insert_with(|| {
            let path = Location::read(&tensor.external_data).map(|location| location.path).unwrap_or_default();
            self.groups.push(Group { old: old.map(|old| (old.clone(), path)), ranges: Vec::new() });
            self.groups.len() - 1
        });
        let ranges = &mut self.groups[group].ranges;
        ranges.push(range);
        Some((group, ranges.len() - 1))
    }

    /// The elements of a tensor that goes to the common file.
    fn gathered(&self, place: Place, tensor: &TensorProto, resolved: Option<&Resolved>) -> Option<Payload> {
        if let Some(resolved) = resolved {
            return Some(resolved.payload.clone());
        }
        let wanted = self.gather != Gather::Nothing && place == Place::Initializer;
        let payload = tensor.little_endian().ok().filter(|_| wanted)?;
        (payload.len() >= LARGE).then_some(payload)
    }
}

impl Group {
    fn plan(self, name: Option<&str>, only: bool) -> PlannedFile {
        let Some((file, path)) = self.old else {
            let payloads: Vec<Payload> = self.ranges.into_iter().map(|range| range.payload).collect();
            let wanted = name.map_or(Wanted::Data, |name| Wanted::Exactly(name.into()));
            return PlannedFile { wanted, layout: Layout::gather(&payloads), old: None };
        };
        let layout = Layout::keep(&self.ranges, file.file.len(), &|offset, len| file.slice(offset, len));
        let unchanged = !self.ranges.iter().any(|range| range.edited);
        PlannedFile { wanted: Wanted::Location { path, only }, layout, old: Some((file, unchanged)) }
    }
}

impl PlannedFile {
    /// Whether ranges that go "to the end of the file" stay what they are.
    fn keeps_its_end(&self) -> bool {
        self.old.as_ref().is_some_and(|(old, _)| old.file.len() == self.layout.len)
    }
}

impl Plan {
    /// Whether there are no data files.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// How many bytes go to a common new file.
    pub fn gathered_bytes(&self) -> u64 {
        let gathered = self.files.iter().filter(|file| file.old.is_none());
        gathered.flat_map(|file| &file.layout.pieces).map(Payload::len).sum()
    }

    /// Writes into the tensors where their elements are; `names` are those that the files got.
    pub(super) fn apply(&self, model: &mut ModelProto, names: &[String]) {
        let mut homes = self.homes.iter();
        let Ok(()) = visit(model, &mut |_, tensor| {
            if let Some((at, range)) = homes.next().copied().flatten() {
                let file = &self.files[at];
                settle(tensor, &names[at], file.layout.offsets[range], file);
            }
            Ok::<(), Infallible>(())
        });
    }
}

/// The tensor's elements are at `offset` of the file `name` from now on.
fn settle(tensor: &mut TensorProto, name: &str, offset: u64, file: &PlannedFile) {
    let Some(resolved) = tensor.external_data.resolved.take() else {
        let payload = tensor.little_endian().unwrap_or_default();
        tensor.clear_elements();
        tensor.external_data = ExternalData::from(range_entries(Vec::new(), name, offset, payload.len()));
        tensor.data_location = Some(TensorProto::EXTERNAL);
        return;
    };
    let mut entries = tensor.external_data.to_vec();
    // It is the checksum of the file.
    if !file.old.as_ref().is_some_and(|(_, unchanged)| *unchanged) {
        entries.retain(|entry| text(&entry.key) != "checksum");
    }
    let stays = file.keeps_its_end() && resolved.offset == offset;
    let entries = match Location::read(&entries) {
        Ok(location) if stays && location.path == Path::new(name) => entries,
        Ok(_) if stays => with_entry(entries, "location", name),
        _ => range_entries(entries, name, offset, resolved.payload.len()),
    };
    tensor.external_data = entries.into();
}

fn range_entries(entries: Vec<Entry>, name: &str, offset: u64, length: u64) -> Vec<Entry> {
    let entries = with_entry(entries, "location", name);
    with_entry(with_entry(entries, "offset", &offset.to_string()), "length", &length.to_string())
}

/// Takes all external tensors into the model.
pub fn inline(model: &mut ModelProto) {
    let Ok(()) = visit(model, &mut |_, tensor| {
        if tensor.is_external()
            && let Some(payload) = tensor.external_data.payload().cloned()
        {
            tensor.clear_elements();
            tensor.raw_data = Some(payload);
        }
        Ok::<(), Infallible>(())
    });
}
