//! A BatchNormalization node, read in every form that it has had since opset 1.
//!
//! Operator: <https://onnx.ai/onnx/operators/onnx__BatchNormalization.html>, versions 1, 6, 7,
//! 9, 14 and 15. Ioffe and Szegedy, "Batch Normalization", ICML 2015.

use crate::affine::Affine;
use crate::graph::constant::{Constants, Dense};
use crate::graph::{Graph, NodeId, ValueId};
use crate::onnx::element::FloatType;
use crate::onnx::schema::AttributeProto;
use crate::refusal::{Code, Refusal, per_call};
use std::rc::Rc;

/// Inputs of the operator after X.
const PARAMETERS: [(usize, &str); 4] = [(1, "scale"), (2, "bias"), (3, "mean"), (4, "variance")];

/// Says from version 14 on whether it is in training mode.
const TRAINING_MODE: (&str, i32) = ("training_mode", AttributeProto::INT);

/// Attributes that decide what the operator computes.
const ATTRIBUTES: [(&str, i32); 4] = [
    ("epsilon", AttributeProto::FLOAT),
    TRAINING_MODE,
    ("is_test", AttributeProto::INT),
    ("spatial", AttributeProto::INT),
];

/// The parameters of a BatchNormalization in inference mode:
/// `y = scale · (x − mean) / sqrt(variance + epsilon) + bias`, along axis 1.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// γ, `[C]`.
    pub scale: Vec<f64>,
    /// β, `[C]`.
    pub bias: Vec<f64>,
    /// μ, `[C]`.
    pub mean: Vec<f64>,
    /// σ², `[C]`.
    pub variance: Vec<f64>,
    /// ε. The attribute is f32; its default is 1e-5 rounded to f32.
    pub epsilon: f64,
    /// The type that σ² is stored in.
    pub element: FloatType,
}

impl BatchNorm {
    /// Whether a node is a BatchNormalization of the standard domain.
    pub fn is(graph: &Graph, node: NodeId) -> bool {
        graph.op(node) == "BatchNormalization"
    }

    /// Whether a BatchNormalization is in training mode, or each call of the function around it
    /// says whether it is. One that is malformed is in no mode.
    pub fn trains(graph: &Graph, node: NodeId) -> bool {
        let proto = graph.proto(node);
        let per_call = graph.opset(node) >= 14 && proto.attribute_of_function(&[TRAINING_MODE]).is_some();
        let trains = |check: Result<(), Refusal>| check.is_err_and(|refusal| refusal.code == Code::TrainingMode);
        let mode = || trains(check_outputs(graph, node)) || trains(check_mode(graph, node));
        proto.malformed_attribute(&ATTRIBUTES).is_none() && (per_call || mode())
    }

    /// The first output that is a statistic of the batch and that somebody sees.
    pub fn seen_statistic(graph: &Graph, node: NodeId) -> Option<ValueId> {
        let mut extra = graph.node(node).outputs.iter().skip(1).flatten().copied();
        extra.find(|output| !graph.value(*output).uses.is_empty() || graph.value(*output).is_seen_outside())
    }

    /// Reads a node's parameters.
    ///
    /// # Errors
    /// The refusal, when the node is in training mode, malformed, or not constant.
    pub fn read(graph: &Graph, constants: &Constants, node: NodeId) -> Result<BatchNorm, Refusal> {
        check_attributes(graph, node)?;
        check_outputs(graph, node)?;
        check_mode(graph, node)?;
        Self::read_parameters(graph, constants, node)
    }

    /// As [`read`](Self::read), in training mode too: then the mean and the variance are those that are
    /// stored, and the output is normalised by others.
    ///
    /// # Errors
    /// The refusal, when the node is malformed, or not constant.
    pub fn read_in_any_mode(graph: &Graph, constants: &Constants, node: NodeId) -> Result<BatchNorm, Refusal> {
        check_attributes(graph, node)?;
        Self::read_parameters(graph, constants, node)
    }

    fn read_parameters(graph: &Graph, constants: &Constants, node: NodeId) -> Result<BatchNorm, Refusal> {
        let read = |(slot, name)| parameter(graph, constants, node, slot, name);
        let parameters = [read(PARAMETERS[0])?, read(PARAMETERS[1])?, read(PARAMETERS[2])?, read(PARAMETERS[3])?];
        check_shapes(graph, constants, node, &parameters)?;
        let element = parameters[3].float().unwrap_or(FloatType::F64);
        let [scale, bias, mean, variance] = parameters.map(|dense| dense.values.clone());
        let epsilon = f64::from(graph.proto(node).float("epsilon", 1e-5));
        Ok(BatchNorm { scale, bias, mean, variance, epsilon, element })
    }

    /// Whether it changes no bit of what comes in: γ = 1, β = 0, μ = 0, and σ² + ε is 1 in the type of
    /// σ², which is what runtimes compute ([`insert`](crate::transform::insert) makes such ones).
    pub fn is_identity(&self) -> bool {
        let epsilon = self.element.round(self.epsilon);
        let all = |values: &[f64], wanted: f64| values.iter().all(|value| *value == wanted);
        let is_one = |variance: &f64| self.element.round(variance + epsilon) == 1.0;
        all(&self.scale, 1.0) && all(&self.bias, 0.0) && all(&self.mean, 0.0) && self.variance.iter().all(is_one)
    }

    /// The number of channels.
    pub fn channels(&self) -> usize {
        self.scale.len()
    }

    /// The map s = γ / sqrt(σ² + ε), t = β − s·μ.
    ///
    /// # Errors
    /// The refusal `degenerate`, when a channel has no finite map.
    pub fn affine(&self) -> Result<Affine, Refusal> {
        if self.is_identity() {
            return Ok(Affine::per_channel(vec![1.0; self.channels()], vec![0.0; self.channels()]));
        }
        let degenerate =
            |channel: usize, what: &str| Refusal::new(Code::Degenerate, format!("channel {channel}: {what}"));
        let (mut scale, mut shift) = (Vec::new(), Vec::new());
        for channel in 0..self.channels() {
            let spread = self.variance[channel] + self.epsilon;
            if spread.is_nan() || spread <= 0.0 {
                return Err(degenerate(channel, &format!("variance + epsilon is {spread}")));
            }
            let s = self.scale[channel] / spread.sqrt();
            let t = (-s).mul_add(self.mean[channel], self.bias[channel]);
            if !s.is_finite() || !t.is_finite() || !spread.is_finite() {
                return Err(degenerate(channel, "a parameter is NaN or infinite"));
            }
            scale.push(s);
            shift.push(t);
        }
        Ok(Affine::per_channel(scale, shift))
    }
}

fn check_attributes(graph: &Graph, node: NodeId) -> Result<(), Refusal> {
    if let Some(name) = graph.proto(node).malformed_attribute(&ATTRIBUTES) {
        return Err(Refusal::new(Code::Malformed, format!("its attribute `{name}` is not one number")));
    }
    match graph.proto(node).attribute_of_function(&ATTRIBUTES) {
        Some(name) => Err(Refusal::new(Code::InFunction, per_call(&format!("its attribute `{name}`")))),
        None => Ok(()),
    }
}

fn parameter(
    graph: &Graph,
    constants: &Constants,
    node: NodeId,
    slot: usize,
    name: &str,
) -> Result<Rc<Dense>, Refusal> {
    let missing = || Refusal::new(Code::Malformed, format!("its {name} is missing"));
    let value = graph.input(node, slot).ok_or_else(missing)?;
    let refuse = |reason| Refusal::not_constant(graph, Code::ParameterNotConstant, &format!("its {name}"), reason);
    let dense = constants.dense(value).map_err(refuse)?;
    if dense.float().is_none() {
        return Err(Refusal::new(Code::UnsupportedType, format!("its {name} is of type {}", dense.element.name())));
    }
    Ok(dense)
}

/// The first output must be there. Others are statistics of the batch: training mode, of which
/// versions 7 and 9 have no other sign.
fn check_outputs(graph: &Graph, node: NodeId) -> Result<(), Refusal> {
    if graph.input(node, 0).is_none() || graph.output(node, 0).is_none() {
        return Err(Refusal::new(Code::Malformed, "its input or its output is missing"));
    }
    let extra = graph.node(node).outputs.iter().skip(1).flatten().count();
    let detail = match BatchNorm::seen_statistic(graph, node) {
        _ if extra == 0 => return Ok(()),
        Some(seen) => format!("its output `{}` is a statistic of the batch that is read or returned", graph.name(seen)),
        None => format!("it has {} outputs: statistics of the batch are among them", extra + 1),
    };
    Err(Refusal::new(Code::TrainingMode, detail))
}

/// Training mode: version 14 on, an attribute; versions 7 and 9, more outputs than one; before,
/// unless `is_test` is set. `spatial` exists in versions 1 to 8.
fn check_mode(graph: &Graph, node: NodeId) -> Result<(), Refusal> {
    let proto = graph.proto(node);
    let opset = graph.opset(node);
    if opset >= 14 && proto.int("training_mode", 0) != 0 {
        return Err(Refusal::new(Code::TrainingMode, "it has training_mode = 1"));
    }
    if opset < 7 && proto.int("is_test", 0) == 0 {
        return Err(Refusal::new(Code::TrainingMode, format!("it is of opset {opset} and has no is_test = 1")));
    }
    Ok(())
}

/// One number per channel. With `spatial = 0` the parameters have the shape of the input
/// without its batch axis, which is the same thing only where the input is of rank 2.
fn check_shapes(
    graph: &Graph,
    constants: &Constants,
    node: NodeId,
    parameters: &[Rc<Dense>; 4],
) -> Result<(), Refusal> {
    let spatial = graph.opset(node) >= 9 || graph.proto(node).int("spatial", 1) != 0;
    let rank = graph.input(node, 0).and_then(|input| constants.facts().rank(graph, input));
    if !spatial && (rank != Some(2) || parameters.iter().any(|parameter| parameter.shape.len() != 1)) {
        return Err(Refusal::new(Code::PerActivation, "it has spatial = 0"));
    }
    if rank.is_some_and(|rank| rank < 2) {
        return Err(Refusal::new(Code::ChannelAxis, "its input has no axis 1"));
    }
    let channels = parameters[0].values.len();
    let wrong = |code, is_wrong: &dyn Fn(&Dense) -> bool| {
        let (parameter, (_, name)) = parameters.iter().zip(PARAMETERS).find(|(parameter, _)| is_wrong(parameter))?;
        let detail = format!("its {name} has the shape {:?}, its scale {:?}", parameter.shape, parameters[0].shape);
        Some(Refusal::new(code, detail))
    };
    // No runtime takes another number; some may take another rank.
    let lengths = wrong(Code::Malformed, &|parameter| parameter.values.len() != channels);
    let shapes = || wrong(Code::ParameterShape, &|parameter| parameter.shape != [channels] || channels == 0);
    lengths.or_else(shapes).map_or(Ok(()), Err)
}
