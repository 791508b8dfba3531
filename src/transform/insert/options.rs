//! What a user can ask for.

use super::InsertError;
use crate::stats::moments::Moments;
use crate::transform::selection::Selection;
use serde::Serialize;
use std::collections::BTreeMap;

/// Where BatchNormalizations go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Site {
    /// Between an affine layer and its activation, h = φ(BN(Wx + b)).
    #[default]
    BeforeActivation,
    /// Behind an affine layer, whoever reads it: h = BN(Wx + b).
    AfterAffine,
    /// In front of an affine layer, W·BN(x) + b: pre-activation (He et al., "Identity Mappings in
    /// Deep Residual Networks", ECCV 2016).
    BeforeAffine,
    /// Behind each input of the model.
    Input,
}

/// Kinds of affine layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LayerKind {
    /// Conv.
    Conv,
    /// ConvTranspose.
    ConvTranspose,
    /// Gemm.
    Gemm,
    /// MatMul, with the Add of a bias behind it or without.
    MatMul,
}

/// The moments of what comes into each BatchNormalization, by its name.
pub type Statistics = BTreeMap<String, Moments>;

/// What the BatchNormalizations compute at first. One of which there are no statistics is the
/// identity.
#[derive(Clone, Debug, Default)]
pub enum InitialValues {
    /// What comes in: γ = 1, β = 0, μ = 0, σ² + ε = 1.
    #[default]
    Identity,
    /// What comes in, up to rounding: μ and σ² as measured, γ = √(σ² + ε), β = μ.
    Calibrate(Statistics),
    /// Mean 0 and variance 1: μ and σ² as measured, γ = 1, β = 0. The model computes something else.
    Standardize(Statistics),
}

/// What to insert, and where.
#[derive(Clone, Debug)]
pub struct InsertOptions {
    pub(super) selection: Selection,
    pub(super) site: Site,
    pub(super) kinds: Vec<LayerKind>,
    pub(super) values: InitialValues,
    pub(super) epsilon: f32,
    pub(super) momentum: f32,
    pub(super) training: bool,
    pub(super) transpose: bool,
}

impl InsertOptions {
    /// At the selected layers (or inputs), by their names.
    pub fn new(selection: Selection) -> Self {
        InsertOptions {
            selection,
            site: Site::default(),
            kinds: Vec::new(),
            values: InitialValues::default(),
            epsilon: 1e-5,
            momentum: 0.9,
            training: false,
            transpose: false,
        }
    }

    /// Where they go; between layers and their activations by default.
    #[must_use]
    pub fn site(mut self, site: Site) -> Self {
        self.site = site;
        self
    }

    /// At which kinds of layers; all by default, and if none is given.
    #[must_use]
    pub fn kinds(mut self, kinds: Vec<LayerKind>) -> Self {
        self.kinds = kinds;
        self
    }

    /// What they compute at first; what comes in by default.
    #[must_use]
    pub fn values(mut self, values: InitialValues) -> Self {
        self.values = values;
        self
    }

    /// ε of the new BatchNormalizations.
    pub fn epsilon_of_norms(&self) -> f64 {
        self.epsilon.into()
    }

    /// ε, 1e-5 by default.
    #[must_use]
    pub fn epsilon(mut self, epsilon: f32) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// How much of the running statistics a training step keeps, 0.9 by default.
    #[must_use]
    pub fn momentum(mut self, momentum: f32) -> Self {
        self.momentum = momentum;
        self
    }

    /// Whether they normalise by the statistics of the batch; not by default.
    #[must_use]
    pub fn training(mut self, training: bool) -> Self {
        self.training = training;
        self
    }

    /// Whether channels that are another axis than 1 are brought there, and back behind it, by two
    /// Transposes; not by default.
    #[must_use]
    pub fn transpose(mut self, transpose: bool) -> Self {
        self.transpose = transpose;
        self
    }

    /// Whether the model computes the same with them, up to rounding.
    pub fn preserves(&self) -> bool {
        !self.training && !matches!(self.values, InitialValues::Standardize(_))
    }

    pub(super) fn takes(&self, kind: LayerKind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }

    pub(super) fn check(&self) -> Result<(), InsertError> {
        if !(0.0..1.0).contains(&self.epsilon) {
            return Err(InsertError::Epsilon(self.epsilon));
        }
        if !(0.0..=1.0).contains(&self.momentum) {
            return Err(InsertError::Momentum(self.momentum));
        }
        Ok(())
    }
}

impl Default for InsertOptions {
    fn default() -> Self {
        InsertOptions::new(Selection::default())
    }
}

impl LayerKind {
    /// All kinds, with the operators that they are and how `--op` calls them.
    pub const ALL: [(LayerKind, &'static str); 4] = [
        (LayerKind::Conv, "Conv"),
        (LayerKind::ConvTranspose, "ConvTranspose"),
        (LayerKind::Gemm, "Gemm"),
        (LayerKind::MatMul, "MatMul"),
    ];
}
