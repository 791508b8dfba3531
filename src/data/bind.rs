//! Which file is for which input.

use super::npy::Npy;
use super::{DataError, Dataset, Run};
use crate::engine::{Array, required_inputs};
use crate::onnx::access::text;
use crate::onnx::element::DataType;
use crate::onnx::schema::{ModelProto, ValueInfoProto};
use bstr::BString;
use std::path::PathBuf;

/// A file, and the input that it is for; without one, it is for the only input.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSource {
    /// The input.
    pub input: Option<String>,
    /// The file.
    pub path: PathBuf,
}

impl DataSource {
    /// Reads `FILE` or `NAME=FILE`. A file whose own name has an equals sign needs a name before it.
    pub fn parse(text: &str) -> DataSource {
        match text.split_once('=') {
            Some((input, path)) if !input.is_empty() => DataSource { input: Some(input.into()), path: path.into() },
            _ => DataSource { input: None, path: text.into() },
        }
    }
}

/// Opens the data for all inputs of a model.
///
/// # Errors
/// When an input has no data, an array does not fit its input, or a file cannot be read.
pub fn open(model: &ModelProto, sources: &[DataSource]) -> Result<Box<dyn Dataset>, DataError> {
    let inputs: Vec<&ValueInfoProto> = required_inputs(model).collect();
    let names = inputs.iter().map(|input| format!("`{}`", text(&input.name))).collect::<Vec<_>>().join(", ");
    let wrong = |what: String| DataError::Inputs { what, inputs: names.clone() };
    let is_for = |source: &DataSource, input: &ValueInfoProto| match &source.input {
        Some(name) => text(&input.name) == name.as_str(),
        None => inputs.len() == 1,
    };
    if let Some(source) = sources.iter().find(|source| !inputs.iter().any(|input| is_for(source, input))) {
        let what = match &source.input {
            Some(name) => format!("there is no input `{name}`"),
            None => format!("`{}` is for none of the inputs; write NAME=FILE", source.path.display()),
        };
        return Err(wrong(what));
    }
    let bind = |input: &&ValueInfoProto| {
        let mut found = sources.iter().filter(|source| is_for(source, input));
        match (found.next(), found.next()) {
            (Some(source), None) => Bound::new(input, Npy::open(&source.path)?),
            (None, _) => Err(wrong(format!("there is no data for the input `{}`", text(&input.name)))),
            _ => Err(wrong(format!("there is more than one file for the input `{}`", text(&input.name)))),
        }
    };
    let bound = inputs.iter().map(bind).collect::<Result<Vec<_>, _>>()?;
    let samples = bound.iter().map(Bound::samples).min().unwrap_or(0);
    match bound.iter().find(|bound| bound.samples() != samples) {
        _ if bound.is_empty() => Err(wrong("the model has no inputs to give data to".into())),
        Some(more) => Err(more.misfit(format!("it has {} samples, another file {samples}", more.samples()))),
        None => Ok(Box::new(Arrays { inputs: bound, samples })),
    }
}

/// An array for each input.
struct Arrays {
    inputs: Vec<Bound>,
    samples: usize,
}

/// An input, and the array for it.
struct Bound {
    input: BString,
    element: DataType,
    /// How many positions of the first axis make one sample: the length that the model wants.
    batch: usize,
    array: Npy,
}

impl Dataset for Arrays {
    fn samples(&self) -> usize {
        self.samples
    }

    fn batch_size(&self) -> usize {
        1
    }

    fn shapes(&self) -> Vec<Vec<usize>> {
        self.inputs.iter().map(Bound::shape).collect()
    }

    fn run(&self, index: usize) -> Result<Run, DataError> {
        let inputs = self.inputs.iter().map(|bound| bound.sample(index)).collect::<Result<_, _>>()?;
        Ok(Run { inputs, rows: 1 })
    }

    fn source_row(&self, sample: usize) -> usize {
        sample
    }
}

impl Bound {
    fn new(input: &ValueInfoProto, array: Npy) -> Result<Bound, DataError> {
        let kind = input.tensor_type();
        let element = kind.and_then(|kind| kind.element()).unwrap_or(array.element());
        let axes = kind.and_then(|kind| kind.axes());
        // Old writers declare 0, or −1, where they do not know.
        let fixed: Option<Vec<Option<usize>>> = axes.map(|axes| {
            let length = |length: i64| usize::try_from(length).ok().filter(|length| *length > 0);
            axes.iter().map(|axis| axis.dim_value.and_then(length)).collect()
        });
        let batch = fixed.as_ref().and_then(|fixed| fixed.first().copied().flatten()).unwrap_or(1);
        let bound = Bound { input: text(&input.name).into(), element, batch, array };
        bound.check(fixed.as_deref())?;
        Ok(bound)
    }

    fn check(&self, fixed: Option<&[Option<usize>]>) -> Result<(), DataError> {
        let shape = self.array.shape();
        if let Some(fixed) = fixed {
            let differs = |(length, fixed): (&usize, &Option<usize>)| fixed.is_some_and(|fixed| fixed != *length);
            if shape.len() != fixed.len() || shape.iter().zip(fixed).skip(1).any(differs) {
                let axis = |length: &Option<usize>| length.map_or("?".into(), |length| length.to_string());
                let wanted = fixed.iter().map(axis).collect::<Vec<_>>().join(", ");
                return Err(self.misfit(format!("its shape is {shape:?}, the input takes [{wanted}]")));
            }
        }
        if shape.is_empty() || self.samples() == 0 {
            return Err(
                self.misfit(format!("its shape {shape:?} holds no sample of {} along the first axis", self.batch))
            );
        }
        self.sample(0).map(drop)
    }

    fn samples(&self) -> usize {
        self.array.shape().first().map_or(0, |rows| rows / self.batch)
    }

    fn shape(&self) -> Vec<usize> {
        let inner = self.array.shape().iter().skip(1).copied();
        std::iter::once(self.batch).chain(inner).collect()
    }

    fn sample(&self, index: usize) -> Result<Array, DataError> {
        let rows = self.array.rows(index.saturating_mul(self.batch), self.batch)?;
        let from = rows.element().name();
        let unfit = || self.misfit(format!("its elements are of type {from}, the input takes {}", self.element.name()));
        converted(rows, self.element).ok_or_else(unfit)
    }

    fn misfit(&self, what: String) -> DataError {
        DataError::Misfit { path: self.array.path().into(), input: self.input.clone(), what }
    }
}

/// The same numbers in another type: any as floats, rounded once; integers as wider integers.
fn converted(array: Array, to: DataType) -> Option<Array> {
    if array.element() == to {
        return Some(array);
    }
    let is_float = array.element().float().is_some();
    match (to, to.float()) {
        (_, Some(float)) => Array::floats(float, array.shape().to_vec(), &array.values()),
        (DataType::Int64 | DataType::Int32, None) if !is_float && array.element().bits() < to.bits() => {
            let values = array.values().into_iter();
            let bytes = match to {
                DataType::Int64 => values.flat_map(|value| (value as i64).to_le_bytes()).collect(),
                _ => values.flat_map(|value| (value as i32).to_le_bytes()).collect(),
            };
            Array::new(to, array.shape().to_vec(), bytes)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::element::FloatType;

    #[test]
    fn names_come_before_an_equals_sign() {
        let source = |input: Option<&str>, path: &str| DataSource { input: input.map(Into::into), path: path.into() };
        assert_eq!(DataSource::parse("x.npy"), source(None, "x.npy"));
        assert_eq!(DataSource::parse("x=a=b.npy"), source(Some("x"), "a=b.npy"));
        assert_eq!(DataSource::parse("=b.npy"), source(None, "=b.npy"));
    }

    #[test]
    fn numbers_become_what_the_input_takes_where_nothing_is_lost() {
        let bytes = Array::new(DataType::Uint8, vec![2], vec![0, 255]).expect("consistent");
        assert_eq!(converted(bytes.clone(), DataType::Float).expect("a float").values(), [0.0, 255.0]);
        assert_eq!(converted(bytes.clone(), DataType::Int64).expect("wider").values(), [0.0, 255.0]);
        assert_eq!(converted(bytes, DataType::Bool), None);
        let floats = Array::floats(FloatType::F64, vec![1], &[1.5]).expect("consistent");
        assert_eq!(converted(floats.clone(), DataType::Int64), None);
        assert_eq!(converted(floats, DataType::Float16).expect("a float").element(), DataType::Float16);
    }
}
