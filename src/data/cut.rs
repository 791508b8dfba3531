//! Cutting the samples of all inputs into runs.

use super::bind::bind;
use super::manifest::Manifest;
use super::options::DataOptions;
use super::prepare::Prepared;
use super::shuffle::Permutation;
use super::{DataError, Dataset, Run};
use crate::engine::Array;
use crate::onnx::schema::ModelProto;

/// No input of a run is larger, in bytes.
const LARGEST_BATCH: usize = 1 << 32;

/// Opens the data for all inputs of a model.
///
/// # Errors
/// When an input has no data, an array does not fit its input, a file cannot be read, or nothing is left
/// for this shard.
pub fn open(model: &ModelProto, options: &DataOptions) -> Result<Box<dyn Dataset>, DataError> {
    Ok(Box::new(Cut::new(bind(model, options)?, options)?))
}

/// An array for each input, and which of its samples are used, in which order.
struct Cut {
    inputs: Vec<Prepared>,
    batch: usize,
    order: Option<Permutation>,
    /// Which samples, of those in order, are those of this shard.
    first: usize,
    samples: usize,
    manifest: Manifest,
}

impl Cut {
    fn new(inputs: Vec<Prepared>, options: &DataOptions) -> Result<Cut, DataError> {
        let all = agreed(&inputs)?;
        let batch = batch(&inputs)?;
        let samples = all.min(options.samples.unwrap_or(all)).max(1);
        let order = options.shuffle.map(|seed| Permutation::new(all, seed));
        let manifest = inputs.iter().map(Prepared::manifest).collect();
        let manifest = Manifest { inputs: manifest, shuffle: options.shuffle, samples };
        let (first, end) = shard(samples, batch, options)?;
        Ok(Cut { inputs, batch, order, first, samples: end - first, manifest })
    }

    /// So many samples of an input, from `first` on, padded to a batch by the last.
    fn gather(&self, input: &Prepared, first: usize, count: usize) -> Result<Array, DataError> {
        let mut bytes = Vec::new();
        let rows: Vec<usize> = (first..first + count).map(|sample| self.source_row(sample)).collect();
        for range in rows.chunk_by(|row, next| row + 1 == *next) {
            bytes.extend(input.rows(range[0], range.len())?);
        }
        let sample = bytes.len() / count;
        for _ in count..self.batch {
            bytes.extend_from_within(bytes.len() - sample..);
        }
        Array::new(input.element(), input.run_shape(self.batch), bytes)
            .ok_or_else(|| input.misfit("it has other numbers than its shape says".into()))
    }
}

/// How many samples there are, the same for all inputs.
fn agreed(inputs: &[Prepared]) -> Result<usize, DataError> {
    let samples = inputs.iter().map(Prepared::samples).min().unwrap_or(0);
    match inputs.iter().find(|input| input.samples() != samples) {
        Some(more) => Err(more.misfit(format!("it has {} samples, that of another input {samples}", more.samples()))),
        None => Ok(samples),
    }
}

/// How many samples one run takes: what the first axis of any input is fixed to.
fn batch(inputs: &[Prepared]) -> Result<usize, DataError> {
    let fixed = |input: &Prepared| input.wanted.axes.as_ref().and_then(|axes| axes.first().copied().flatten());
    let mut lengths = inputs.iter().filter_map(|input| Some((input, fixed(input)?)));
    let Some((one, batch)) = lengths.next() else { return Ok(1) };
    if let Some((other, length)) = lengths.find(|(_, length)| *length != batch) {
        let (one, other) = (&one.wanted.name, &other.wanted.name);
        let what = format!("the first axis of `{one}` is fixed to {batch}, that of `{other}` to {length}");
        return Err(DataError::options(format!("{what}: they cannot be cut into the same runs")));
    }
    for input in inputs {
        if batch > 1 && input.wanted.is_number() {
            let what = format!("the model takes {batch} samples at once, but only one number for all of them");
            return Err(input.misfit(what));
        }
        let size = input.element().bits().unwrap_or(8) as usize / 8;
        let bytes = input.inner().iter().chain([&batch]).try_fold(size, |bytes, length| bytes.checked_mul(*length));
        if bytes.is_none_or(|bytes| bytes > LARGEST_BATCH) {
            return Err(input.misfit(format!("{batch} samples, as the model takes at once, are beyond reason")));
        }
    }
    Ok(batch)
}

/// From which sample to which the shard goes: cut at multiples of the batch and of the group.
fn shard(samples: usize, batch: usize, options: &DataOptions) -> Result<(usize, usize), DataError> {
    let Some((index, count)) = options.shard else { return Ok((0, samples)) };
    if index >= count {
        return Err(DataError::options(format!("there is no part {index} of {count}, they count from 0")));
    }
    let unit = common_multiple(batch, options.group.max(1)).unwrap_or(samples);
    let units = samples.div_ceil(unit);
    // Wide enough for any two.
    let cut = |part: usize| (part as u128 * units as u128 / count as u128) as usize;
    let place = |part: usize| cut(part).saturating_mul(unit).min(samples);
    let (first, end) = (place(index), place(index + 1));
    if first == end {
        let what = format!("part {index} of {count} is empty: {samples} samples can be cut into {units} parts at most");
        return Err(DataError::options(what));
    }
    Ok((first, end))
}

/// The least common multiple, if it can be counted.
fn common_multiple(a: usize, b: usize) -> Option<usize> {
    let (mut divisor, mut rest) = (a, b);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (a / divisor).checked_mul(b)
}

impl Dataset for Cut {
    fn samples(&self) -> usize {
        self.samples
    }

    fn batch_size(&self) -> usize {
        self.batch
    }

    fn shapes(&self) -> Vec<Vec<usize>> {
        self.inputs.iter().map(|input| input.run_shape(self.batch)).collect()
    }

    fn run(&self, index: usize) -> Result<Run, DataError> {
        let first = index.saturating_mul(self.batch);
        if first >= self.samples {
            return Err(DataError::options(format!("there is no run {index} of {}", self.runs())));
        }
        let rows = self.batch.min(self.samples - first);
        let inputs = self.inputs.iter().map(|input| self.gather(input, first, rows));
        Ok(Run { inputs: inputs.collect::<Result<_, _>>()?, rows })
    }

    fn source_row(&self, sample: usize) -> usize {
        let place = self.first + sample;
        self.order.as_ref().map_or(place, |order| order.at(place))
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dense::{Dense, Header, Samples, Stored};
    use crate::data::options::ImageOptions;
    use crate::data::prepare::prepare;
    use crate::data::testing::{manifest, wanted};
    use crate::onnx::element::DataType;
    use crate::onnx::payload::Payload;
    use proptest::prelude::*;
    use std::path::Path;

    /// Inputs of so many samples each, of one byte that is the sample's number; the first axis is fixed
    /// to `batch`, or not if that is 0.
    fn cut(inputs: &[(usize, usize)], options: &DataOptions) -> Result<Cut, DataError> {
        let input = |(samples, batch): &(usize, usize)| {
            let bytes: Vec<u8> = (0..*samples).map(|number| number as u8).collect();
            let (files, header) = (manifest(&bytes), Header::plain(DataType::Uint8, vec![*samples, 1]));
            let stored = Stored::Plain(Payload::from(bytes));
            let array = Dense::new(Path::new("x.npy"), files, stored, 0, header).expect("consistent");
            let samples: Box<dyn Samples> = Box::new(array);
            (samples, wanted("x", DataType::Uint8, &[*batch, 1]))
        };
        Cut::new(prepare(inputs.iter().map(input).collect(), &ImageOptions::default())?, options)
    }

    fn options() -> DataOptions {
        DataOptions::new(Vec::new())
    }

    /// The numbers of an input in a run, and how many of them are data.
    fn run(data: &Cut, index: usize, input: usize) -> (Vec<f64>, usize) {
        let run = data.run(index).expect("there");
        (run.inputs[input].values(), run.rows)
    }

    #[test]
    fn the_last_run_repeats_its_last_sample() {
        let data = cut(&[(5, 0), (5, 3)], &options()).expect("it opens");
        assert_eq!((data.samples(), data.batch_size(), data.runs()), (5, 3, 2));
        assert_eq!(data.shapes(), [[3, 1], [3, 1]]);
        for input in 0..2 {
            assert_eq!(run(&data, 0, input), (vec![0.0, 1.0, 2.0], 3));
            assert_eq!(run(&data, 1, input), (vec![3.0, 4.0, 4.0], 2));
        }
        assert!(data.run(2).is_err() && data.run(usize::MAX).is_err());
        assert_eq!(cut(&[(5, 0)], &options()).expect("it opens").batch_size(), 1);
    }

    #[test]
    fn samples_are_taken_of_the_shuffled_ones() {
        let some = DataOptions { samples: Some(4), shuffle: Some(7), ..options() };
        let data = cut(&[(9, 0), (9, 2)], &some).expect("it opens");
        assert_eq!((data.samples(), data.manifest().samples, data.manifest().inputs[0].samples), (4, 4, 9));
        for index in 0..2 {
            let rows = [0, 1].map(|place| data.source_row(2 * index + place) as f64).to_vec();
            assert_eq!((run(&data, index, 0).0, run(&data, index, 1).0), (rows.clone(), rows));
        }
        let all = DataOptions { samples: Some(100), ..options() };
        assert_eq!(cut(&[(9, 0)], &all).expect("it opens").samples(), 9);
    }

    #[test]
    fn what_cannot_be_cut_alike_is_refused() {
        let error = |inputs: &[(usize, usize)]| cut(inputs, &options()).err().expect("refused").to_string();
        assert!(error(&[(4, 2), (4, 4)]).contains("is fixed to 2, that of `x` to 4"));
        assert!(error(&[(4, 2), (5, 2)]).contains("it has 5 samples, that of another input 4"));
        assert!(error(&[(4, usize::MAX)]).contains("beyond reason"));
        let shard = |shard| {
            cut(&[(3, 0)], &DataOptions { shard: Some(shard), ..options() }).err().map(|error| error.to_string())
        };
        assert!(shard((2, 2)).is_some_and(|error| error.contains("no part 2 of 2")));
        assert!(shard((0, 4)).is_some_and(|error| error.contains("is empty")));
        assert!(shard((2, 3)).is_none());
    }

    proptest! {
        #[test]
        fn shards_are_all_samples_once_in_order(
            samples in 1usize..60, batch in 1usize..5, group in 0usize..7, count in 1usize..6, shuffle: Option<u64>,
        ) {
            let whole = DataOptions { shuffle, ..options() };
            let order = |data: &Cut| (0..data.samples()).map(|sample| data.source_row(sample)).collect::<Vec<_>>();
            let expected = order(&cut(&[(samples, batch)], &whole).expect("it opens"));
            let mut seen = Vec::new();
            for index in 0..count {
                // Some may be empty.
                let part = DataOptions { shard: Some((index, count)), group, ..whole.clone() };
                if let Ok(data) = cut(&[(samples, batch)], &part) {
                    prop_assert!(seen.len() % batch == 0 && seen.len() % group.max(1) == 0);
                    seen.extend(order(&data));
                    prop_assert_eq!(data.manifest(), &Manifest { shuffle, samples, ..data.manifest().clone() });
                }
            }
            prop_assert_eq!(seen, expected);
        }
    }
}
