//! Which data is for which input.

use super::dense::Samples;
use super::options::{DataOptions, ImageOptions, Layout};
use super::prepare::Prepared;
use super::source::DataSource;
use super::{DataError, open};
use crate::engine::required_inputs;
use crate::onnx::access::text;
use crate::onnx::element::DataType;
use crate::onnx::schema::{ModelProto, ValueInfoProto};
use bstr::BString;
use std::path::Path;

/// What an input takes.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name.
    pub name: BString,
    /// The how-many-th it is of those that need data.
    pub index: usize,
    /// The type of its elements, if the model says so.
    pub element: Option<DataType>,
    /// The lengths of its axes, of those that are fixed; `None` if the rank is not known.
    pub axes: Option<Vec<Option<usize>>>,
    /// Whether the data is for this input only, so that it need not be named like it.
    pub alone: bool,
}

impl Wanted {
    fn new(index: usize, input: &ValueInfoProto, alone: bool) -> Wanted {
        let kind = input.tensor_type();
        // Old writers declare 0, or −1, where they do not know.
        let length = |length: i64| usize::try_from(length).ok().filter(|length| *length > 0);
        let axes = kind.and_then(|kind| kind.axes());
        let axes = axes.map(|axes| axes.iter().map(|axis| axis.dim_value.and_then(length)).collect());
        let element = kind.and_then(|kind| kind.element());
        Wanted { name: text(&input.name).into(), index, element, axes, alone }
    }

    /// What any array is for.
    pub fn anything(name: &str) -> Wanted {
        Wanted { name: name.into(), index: 0, element: None, axes: None, alone: true }
    }

    /// Which of the arrays in an archive is for the input: the chosen one, that of its name, or the only
    /// one.
    ///
    /// # Errors
    /// When there is none.
    pub fn pick<'a>(&self, path: &Path, names: &[&'a str], chosen: Option<&str>) -> Result<&'a str, DataError> {
        let find = |wanted: &dyn Fn(&str) -> bool| names.iter().find(|name| wanted(name)).copied();
        let shown: Vec<String> = names.iter().take(10).map(|name| format!("`{name}`")).collect();
        let shown = format!("{}{}", shown.join(", "), if names.len() > 10 { " …" } else { "" });
        if let Some(chosen) = chosen {
            let missing = || DataError::format(path, format!("it has no array `{chosen}`, only {shown}"));
            return find(&|name| name == chosen).ok_or_else(missing);
        }
        let named = find(&|name| self.name == name);
        match (named, names) {
            (Some(name), _) => Ok(name),
            (None, [only]) if self.alone => Ok(only),
            (None, []) => Err(DataError::format(path, "there are no arrays in it")),
            (None, [first, ..]) => Err(DataError::format(
                path,
                format!(
                    "none of its arrays is named `{}`; it has {shown}; write {}={}",
                    self.name,
                    self.name,
                    path.join(first).display()
                ),
            )),
        }
    }

    /// Checks that one array is enough.
    ///
    /// # Errors
    /// When the data is for several inputs.
    pub fn alone(&self, path: &Path) -> Result<(), DataError> {
        let what = "it is one array, and the model has several inputs; write NAME=PATH for each";
        if self.alone { Ok(()) } else { Err(self.misfit(path, what.into())) }
    }

    /// Where the channels of the input are: as asked for, or on an axis of the length 1 or 3.
    pub fn layout(&self, images: &ImageOptions) -> Layout {
        let is = |length: Option<&Option<usize>>| matches!(length, Some(Some(1 | 3)));
        let axes = self.axes.as_deref().unwrap_or_default();
        let last = axes.len() > 2 && !is(axes.get(1)) && is(axes.last());
        images.layout.unwrap_or(if last { Layout::Nhwc } else { Layout::Nchw })
    }

    /// Whether an array of this shape, samples first, fits.
    pub fn fits(&self, shape: &[usize]) -> bool {
        let Some(axes) = &self.axes else { return !shape.is_empty() };
        let agrees = |(length, fixed): (&usize, &Option<usize>)| fixed.is_none_or(|fixed| fixed == *length);
        !shape.is_empty() && shape.len() == axes.len() && shape.iter().zip(axes).skip(1).all(agrees)
    }

    /// Type and shape, for people.
    pub fn described(&self) -> String {
        let axis = |length: &Option<usize>| length.map_or("?".into(), |length| length.to_string());
        let axes = self.axes.as_ref().map(|axes| axes.iter().map(axis).collect::<Vec<_>>().join(", "));
        let element = self.element.map_or("any type", DataType::name);
        axes.map_or(format!("{element} of any shape"), |axes| format!("{element} [{axes}]"))
    }

    /// The data does not fit.
    pub fn misfit(&self, path: &Path, what: String) -> DataError {
        DataError::Misfit { path: path.into(), input: self.name.clone(), what }
    }
}

/// The data for each input that needs some, in their order.
///
/// # Errors
/// When an input has no data, data is for none, does not fit, or cannot be read.
pub fn bind(model: &ModelProto, options: &DataOptions) -> Result<Vec<Prepared>, DataError> {
    let inputs: Vec<&ValueInfoProto> = required_inputs(model).collect();
    let names = inputs.iter().map(|input| format!("`{}`", text(&input.name))).collect::<Vec<_>>().join(", ");
    let wrong = |what: String| DataError::Inputs { what, inputs: names.clone() };
    let is_for = |source: &DataSource, input: &ValueInfoProto| {
        source.input.as_ref().is_some_and(|name| text(&input.name) == name.as_str())
    };
    let for_nothing = |source: &&DataSource| !inputs.iter().any(|input| is_for(source, input));
    if let Some(name) = options.sources.iter().filter(for_nothing).find_map(|source| source.input.as_ref()) {
        return Err(wrong(format!("there is no input `{name}`")));
    }
    if inputs.is_empty() {
        return Err(wrong("the model has no inputs to give data to".into()));
    }
    let unnamed: Vec<&DataSource> = options.sources.iter().filter(|source| source.input.is_none()).collect();
    let left = inputs.iter().filter(|input| !options.sources.iter().any(|source| is_for(source, input))).count();
    match unnamed[..] {
        [source] if left == 0 => return Err(wrong(format!("`{}` is for none of the inputs", source.path.display()))),
        [_, second, ..] => {
            let path = second.path.display();
            return Err(wrong(format!("there is more than one source without a name (`{path}`); write NAME=PATH")));
        }
        _ => {}
    }
    let samples = |(index, input): (usize, &&ValueInfoProto)| {
        let mut own = options.sources.iter().filter(|source| is_for(source, input));
        let name = text(&input.name);
        let source = match (own.next(), own.next(), unnamed.first()) {
            (Some(source), None, _) => source,
            (Some(_), Some(_), _) => {
                return Err(wrong(format!("there is more than one source for the input `{name}`")));
            }
            (None, _, Some(source)) => source,
            (None, _, None) => return Err(wrong(format!("there is no data for the input `{name}`"))),
        };
        let wanted = Wanted::new(index, input, inputs.len() == 1 || source.input.is_some());
        Ok((open::samples(&source.path, &wanted, options)?, wanted))
    };
    let bound: Vec<(Box<dyn Samples>, Wanted)> = inputs.iter().enumerate().map(samples).collect::<Result<_, _>>()?;
    super::prepare::prepare(bound, &options.images)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::wanted;

    #[test]
    fn the_layout_is_where_one_or_three_channels_are() {
        let layout = |axes: &[usize]| wanted("x", DataType::Float, axes).layout(&ImageOptions::default());
        assert_eq!(layout(&[0, 3, 224, 224]), Layout::Nchw);
        assert_eq!(layout(&[1, 224, 224, 3]), Layout::Nhwc);
        assert_eq!(layout(&[0, 0, 0, 1]), Layout::Nhwc);
        assert_eq!(layout(&[0, 1, 28, 3]), Layout::Nchw);
        assert_eq!(layout(&[0, 4, 9, 9]), Layout::Nchw);
        assert_eq!(layout(&[0, 3]), Layout::Nchw);
    }

    #[test]
    fn arrays_are_picked_by_name_unless_there_is_no_choice() {
        let path = Path::new("a.npz");
        let mut x = wanted("x", DataType::Float, &[0]);
        assert_eq!(x.pick(path, &["y", "x"], None).expect("named"), "x");
        assert_eq!(x.pick(path, &["y"], None).expect("the only one"), "y");
        assert_eq!(x.pick(path, &["y", "x"], Some("y")).expect("chosen"), "y");
        assert!(x.pick(path, &["y", "z"], None).expect_err("none").to_string().contains("write x=a.npz/y"));
        x.alone = false;
        assert!(x.pick(path, &["y"], None).is_err());
        assert!(x.pick(path, &[], None).expect_err("none").to_string().contains("no arrays"));
    }
}
