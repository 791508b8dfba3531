//! One call of an operator: what its implementation sees.

use super::magnitude::Magnitude;
use super::value::{Result, Tensor, Value};
use bn_tool::onnx::access::text;
use bn_tool::onnx::element::DataType;
use bn_tool::onnx::schema::NodeProto;

/// What an operator returns, in the order of its outputs.
pub type Outputs = Result<Vec<Value>>;

/// A node with its input values and the version of its operator set.
pub struct Call<'a> {
    pub node: &'a NodeProto,
    pub inputs: Vec<Option<Value>>,
    pub opset: i64,
    /// Whether magnitudes are evaluated instead of values.
    pub magnitude: Option<Magnitude<'a>>,
    /// Whether the sum of variance and epsilon is rounded to the type of the variance.
    pub rounds_spread: bool,
}

impl Call<'_> {
    pub fn op(&self) -> String {
        text(&self.node.op_type).to_string()
    }

    /// An input that must be there.
    pub fn input(&self, index: usize) -> Result<&Value> {
        self.optional(index).ok_or_else(|| format!("input {index} is missing"))
    }

    /// An input that may be absent (`""` or beyond the end).
    pub fn optional(&self, index: usize) -> Option<&Value> {
        self.inputs.get(index)?.as_ref()
    }

    /// The numbers of an input that must be there.
    pub fn data(&self, index: usize) -> Result<&Tensor> {
        self.input(index).map(|value| &value.data)
    }

    /// The integers of an optional input.
    pub fn input_ints(&self, index: usize) -> Option<Vec<i64>> {
        self.optional(index).map(Value::ints)
    }

    /// All inputs, none of which may be absent.
    pub fn all(&self) -> Result<Vec<&Value>> {
        (0..self.inputs.len()).map(|index| self.input(index)).collect()
    }

    pub fn int(&self, name: &str, default: i64) -> i64 {
        self.node.int(name, default)
    }

    pub fn flag(&self, name: &str) -> bool {
        self.int(name, 0) != 0
    }

    /// A float attribute: f32, as the schema has it, exactly.
    pub fn float(&self, name: &str, default: f32) -> f64 {
        f64::from(self.node.float(name, default))
    }

    /// A float attribute that multiplies; its magnitude where that is evaluated.
    pub fn factor(&self, name: &str) -> f64 {
        let factor = self.float(name, 1.0);
        if self.magnitude.is_some() { factor.abs() } else { factor }
    }

    pub fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.node.ints(name).map(<[i64]>::to_vec)
    }

    pub fn string(&self, name: &str, default: &str) -> String {
        let attribute = self.node.attribute(name).and_then(|attribute| attribute.s.as_ref());
        attribute.map_or(default.to_owned(), ToString::to_string)
    }

    /// A list that was an attribute before `since`, and an input from then on.
    pub fn list(&self, name: &str, input: usize, since: i64) -> Option<Vec<i64>> {
        if self.opset < since { self.ints(name) } else { self.input_ints(input) }
    }

    /// How many outputs somebody names.
    pub fn named_outputs(&self) -> usize {
        self.node.output.iter().filter(|output| !output.is_empty()).count()
    }

    /// One output of the type of the first input.
    pub fn one(&self, data: Tensor) -> Outputs {
        Ok(vec![Value::new(data, self.kind()?)])
    }

    /// The type of the first input.
    pub fn kind(&self) -> Result<DataType> {
        self.input(0).map(|value| value.kind)
    }
}

/// An axis that counts from the end when negative.
pub fn axis(axis: i64, rank: usize) -> Result<usize> {
    let counted = if axis < 0 { axis + rank as i64 } else { axis };
    match usize::try_from(counted) {
        Ok(counted) if counted < rank => Ok(counted),
        _ => Err(format!("axis {axis} of a tensor of rank {rank}")),
    }
}

/// Several axes.
pub fn axes(list: &[i64], rank: usize) -> Result<Vec<usize>> {
    list.iter().map(|one| axis(*one, rank)).collect()
}
