//! Which data is for which input.

use super::dense::Samples;
use super::options::{DataOptions, ImageOptions, Layout};
use super::prepare::{Prepared, prepare};
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

    /// Whether the input is a single number, of which each sample has one.
    pub fn is_number(&self) -> bool {
        self.axes.as_ref().is_some_and(Vec::is_empty)
    }

    /// Whether an array of this shape, samples first, fits.
    pub fn fits(&self, shape: &[usize]) -> bool {
        if self.is_number() {
            return shape.len() == 1;
        }
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
    let found = sources(&inputs, &options.sources).map_err(|what| {
        let names = inputs.iter().map(|input| format!("`{}`", text(&input.name))).collect::<Vec<_>>();
        DataError::Inputs { what, inputs: names.join(", ") }
    })?;
    let samples = |(index, (input, source)): (usize, (&&ValueInfoProto, &DataSource))| {
        let wanted = Wanted::new(index, input, inputs.len() == 1 || source.input.is_some());
        Ok((open::samples(&source.path, &wanted, options)?, wanted))
    };
    let bound = inputs.iter().zip(found).enumerate().map(samples);
    let bound: Vec<(Box<dyn Samples>, Wanted)> = bound.collect::<Result<_, DataError>>()?;
    prepare(bound, &options.images)
}

/// Which source is for which input: that with its name, else the one without a name.
fn sources<'a>(inputs: &[&ValueInfoProto], sources: &'a [DataSource]) -> Result<Vec<&'a DataSource>, String> {
    let names = |source: &DataSource, input: &ValueInfoProto| {
        source.input.as_ref().is_some_and(|name| text(&input.name) == name.as_str())
    };
    let (named, unnamed): (Vec<_>, Vec<_>) = sources.iter().partition(|source| source.input.is_some());
    let is_lost = |source: &&&DataSource| !inputs.iter().any(|input| names(source, input));
    if let Some(name) = named.iter().find(is_lost).and_then(|source| source.input.as_ref()) {
        return Err(format!("there is no input `{name}`"));
    }
    if let [_, second, ..] = unnamed[..] {
        let path = second.path.display();
        return Err(format!("there is more than one source without a name (`{path}`); write NAME=PATH"));
    }
    let source = |input: &&ValueInfoProto| {
        let mut own = named.iter().filter(|source| names(source, input));
        match (own.next(), own.next()) {
            (Some(source), None) => Ok(*source),
            (None, _) => {
                unnamed.first().copied().ok_or(format!("there is no data for the input `{}`", text(&input.name)))
            }
            _ => Err(format!("there is more than one source for the input `{}`", text(&input.name))),
        }
    };
    let found = inputs.iter().map(source).collect::<Result<Vec<_>, _>>()?;
    match unnamed.first() {
        _ if inputs.is_empty() => Err("the model has no inputs to give data to".into()),
        Some(spare) if found.iter().all(|source| source.input.is_some()) => {
            Err(format!("`{}` is for none of the inputs", spare.path.display()))
        }
        _ => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::wanted;

    #[test]
    fn each_source_is_for_the_input_of_its_name_and_one_for_the_rest() {
        let inputs = ["x", "m"].map(|name| ValueInfoProto { name: Some(name.into()), ..Default::default() });
        let found = |texts: &[&str]| {
            let all: Vec<DataSource> = texts.iter().map(|text| DataSource::parse(text)).collect();
            let paths =
                |found: Vec<&DataSource>| found.iter().map(|source| source.path.display().to_string()).collect();
            sources(&inputs.each_ref(), &all).map(paths).unwrap_or_else(|what| vec![what])
        };
        assert_eq!(found(&["m=b", "x=a"]), ["a", "b"]);
        assert_eq!(found(&["both"]), ["both", "both"]);
        assert_eq!(found(&["m=b", "rest"]), ["rest", "b"]);
        assert_eq!(found(&["z=b", "rest"]), ["there is no input `z`"]);
        assert_eq!(found(&["x=a", "m=b", "rest"]), ["`rest` is for none of the inputs"]);
        assert_eq!(found(&["x=a"]), ["there is no data for the input `m`"]);
        assert_eq!(found(&["x=a", "x=b", "m=c"]), ["there is more than one source for the input `x`"]);
        assert!(found(&["a", "b"])[0].contains("more than one source without a name (`b`)"));
    }

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
