//! From moments to what a BatchNormalization will store.

use crate::batch_norm::BatchNorm;
use crate::linear::bias::NewConstant;
use crate::onnx::element::FloatType;
use crate::refusal::{Code, Refusal};
use crate::stats::{Moments, RunningStatistics, Variance};

/// A BatchNormalization that gets new statistics.
#[derive(Clone, Debug)]
pub struct Target {
    /// What it is now.
    pub norm: BatchNorm,
    /// The types that its mean and its variance are stored in.
    pub elements: [FloatType; 2],
    /// Other nodes that read its mean or its variance.
    pub shared: Vec<String>,
}

/// New statistics of a BatchNormalization.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// As they are stored: rounded.
    pub statistics: RunningStatistics,
    /// The mean and the variance as constants of the model.
    pub constants: [NewConstant; 2],
    /// How many numbers of each channel they were taken of.
    pub values: u64,
}

impl Target {
    /// What these moments make of it.
    ///
    /// # Errors
    /// The refusal, when they make nothing of it.
    pub fn estimate(&self, moments: Option<&Moments>, variance: Variance) -> Result<Estimate, Refusal> {
        let moments = self.check(moments)?;
        let values = moments.channels.iter().map(|moment| moment.count).min().unwrap_or(0);
        self.store(&RunningStatistics::of(moments, variance), values)
    }

    /// What was in place while these moments were measured, where that is known: then it is known, too, how
    /// far they are from it. Else what they make of it.
    ///
    /// # Errors
    /// The refusal, when they make nothing of it.
    pub fn estimate_in_place(
        &self,
        place: Option<&RunningStatistics>,
        moments: Option<&Moments>,
        variance: Variance,
    ) -> Result<Estimate, Refusal> {
        let measured = self.estimate(moments, variance)?;
        match place {
            Some(place) => self.store(place, measured.values),
            None => Ok(measured),
        }
    }

    /// The moments, if statistics can be taken of them.
    ///
    /// # Errors
    /// The refusal, when they cannot.
    pub fn check<'a>(&self, moments: Option<&'a Moments>) -> Result<&'a Moments, Refusal> {
        let unreached = || Refusal::new(Code::NotReached, "nothing comes into it on this data");
        let moments = moments.filter(|moments| moments.channels.iter().all(|moment| moment.count > 0));
        let moments = moments.ok_or_else(unreached)?;
        if moments.channels.len() != self.norm.channels() {
            let detail = format!("{} channels come in, it has {}", moments.channels.len(), self.norm.channels());
            return Err(Refusal::new(Code::ShapeMismatch, detail));
        }
        let finite = |channel: &usize| {
            let moment = moments.channels[*channel];
            moment.mean.is_finite() && moment.m2.is_finite()
        };
        if let Some(channel) = (0..moments.channels.len()).find(|channel| !finite(channel)) {
            return Err(Refusal::new(Code::NotFinite, format!("channel {channel}: NaN or infinity comes in")));
        }
        if moments.channels.iter().all(|moment| moment.count == 1) {
            return Err(Refusal::new(Code::SingleValue, "one number per channel comes in: it has no variance"));
        }
        Ok(moments)
    }

    /// Statistics as they are stored.
    ///
    /// # Errors
    /// The refusal, when they do not fit their type, or make no finite map.
    pub fn store(&self, statistics: &RunningStatistics, values: u64) -> Result<Estimate, Refusal> {
        let constant = |values: &[f64], element| NewConstant::new(vec![values.len()], values, element);
        let constants =
            [constant(&statistics.mean, self.elements[0])?, constant(&statistics.variance, self.elements[1])?];
        let round = |values: &[f64], element: FloatType| values.iter().map(|x| element.round(*x)).collect();
        let mean: Vec<f64> = round(&statistics.mean, self.elements[0]);
        let variance: Vec<f64> = round(&statistics.variance, self.elements[1]);
        let statistics = RunningStatistics { mean, variance };
        let norm =
            BatchNorm { mean: statistics.mean.clone(), variance: statistics.variance.clone(), ..self.norm.clone() };
        norm.affine()?;
        Ok(Estimate { statistics, constants, values })
    }

    /// What it stores now.
    pub fn current(&self) -> RunningStatistics {
        RunningStatistics { mean: self.norm.mean.clone(), variance: self.norm.variance.clone() }
    }
}
