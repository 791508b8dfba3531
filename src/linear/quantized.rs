//! Weights that a DequantizeLinear node makes of integers: `(q − zero_point) · scale`, one scale for all
//! or one per position along an axis. A map goes into the scales; where a factor is negative, the
//! integers change their sign, so that scales stay positive, as runtimes expect.
//!
//! <https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html>, versions 10, 13, 19, 21, 23.

use super::bias::NewConstant;
use super::weight::{Role, Weight, check_axes, factors_of, strides};
use crate::affine::Affine;
use crate::graph::constant::Dense;
use crate::graph::{NodeId, ValueId};
use crate::onnx::element::{DataType, FloatType};
use crate::onnx::schema::TensorProto;
use crate::operator::{Operator, normal_axis};
use crate::refusal::{Code, Refusal};

/// Where the integers of a weight are, and what makes numbers of them.
#[derive(Clone, Debug)]
pub struct Quantized {
    /// The DequantizeLinear node.
    pub node: NodeId,
    /// The type of the integers.
    integer: DataType,
    /// Their shape.
    pub shape: Vec<usize>,
    /// The type of the scales.
    pub element: FloatType,
    /// The axis along which scales differ.
    axis: Option<usize>,
}

/// New inputs of a DequantizeLinear node.
#[derive(Clone, Debug)]
pub struct Requantized {
    /// The node.
    pub node: NodeId,
    /// The scales.
    pub scale: NewConstant,
    /// The zero points, if their shape changes with that of the scales.
    pub zero: Option<NewConstant>,
    /// The integers, if some changed their sign.
    pub integers: Option<NewConstant>,
    /// The axis along which the scales differ.
    pub axis: Option<usize>,
}

impl Quantized {
    /// The DequantizeLinear of constants that makes a value, if one does.
    pub fn read(op: &Operator, value: ValueId) -> Option<Quantized> {
        let node = op.graph.producer(value)?;
        let own = Operator { node, ..*op };
        if own.name() != "DequantizeLinear" || own.int("block_size", 0) != 0 {
            return None;
        }
        let (integer, shape) = own.constants.type_and_shape(own.input(0)?).ok()?;
        let (element, scales) = own.constants.type_and_shape(own.input(1)?).ok()?;
        if own.input(2).is_some_and(|zero| own.constants.type_and_shape(zero).is_err()) {
            return None;
        }
        let axis = match scales[..] {
            [] => None,
            // One scale in a vector is one for all, unless the axis is of that length anyway.
            [1] => None,
            [length] => Some(normal_axis(own.int("axis", 1), shape.len()).filter(|axis| shape[*axis] == length)?),
            _ => return None,
        };
        Some(Quantized { node, integer, shape, element: element.float()?, axis })
    }

    /// The numbers.
    pub fn dense(&self, op: &Operator) -> Option<Dense> {
        let own = Operator { node: self.node, ..*op };
        let (stored, scales) = (integers(&own, 0)?, own.constant(1)?);
        let zeros = if own.input(2).is_some() { integers(&own, 2)? } else { vec![0] };
        let inner: usize = self.axis.map_or(1, |axis| self.shape[axis + 1..].iter().product());
        let channel = |place: usize| self.axis.map_or(0, |axis| place / inner % self.shape[axis]);
        let at = |list: &[i64], channel: usize| list.get(channel).or(list.first()).copied().unwrap_or(0);
        let number = |(place, integer): (usize, &i64)| {
            (integer - at(&zeros, channel(place))) as f64 * scales.values[channel(place)]
        };
        let values = stored.iter().enumerate().map(number).collect();
        Some(Dense { element: self.element.data_type(), shape: self.shape.clone(), values })
    }
}

/// What maps on output and input make of the scales.
///
/// # Errors
/// The refusal, when scales along one axis cannot say it.
pub fn requantized(
    op: &Operator,
    weight: &Weight,
    quantized: &Quantized,
    after: &Affine,
    before: &Affine,
) -> Result<Option<Requantized>, Refusal> {
    if after.has_unit_scale() && before.has_unit_scale() {
        return Ok(None);
    }
    let refuse = |what: &str| op.refuse(Code::Quantized, format!("the quantised weight of {} {what}", op.label()));
    let factors = Factors::new(op, weight, [(after, &weight.output), (before, &weight.input)])?;
    let factors = factors.ok_or_else(|| refuse("has scales along one axis, the map depends on others"))?;
    let axis = match (quantized.axis, factors.axis) {
        (Some(own), Some(other)) if own != other => return Err(refuse("has scales along another axis than the map")),
        (own, other) => own.or(other),
    };
    let own = Operator { node: quantized.node, ..*op };
    if axis != quantized.axis && own.opset() < 13 {
        return Err(refuse("has one scale for all, and before opset 13 there are no others"));
    }
    let rewriting = Rewriting { own, quantized, factors, axis };
    rewriting.run().ok_or_else(|| refuse("cannot be scaled"))?.map(Some)
}

/// One factor per position along one axis of the weight as it is stored.
struct Factors {
    axis: Option<usize>,
    values: Vec<f64>,
}

impl Factors {
    /// `None` when the factors depend on more than one axis.
    fn new(op: &Operator, weight: &Weight, maps: [(&Affine, &Vec<Role>); 2]) -> Result<Option<Factors>, Refusal> {
        let mut factors = Factors { axis: None, values: vec![1.0] };
        for (map, roles) in maps.into_iter().filter(|(map, _)| !map.has_unit_scale()) {
            let map = &factors_of(map, roles);
            check_axes(op, weight, roles, map)?;
            let strides = strides(weight, roles, map);
            let Some(own) = along_one_axis(weight, &strides, map) else { return Ok(None) };
            let Some(both) = factors.times(own) else { return Ok(None) };
            factors = both;
        }
        Ok(Some(factors))
    }

    fn times(self, other: Factors) -> Option<Factors> {
        let axis = match (self.axis, other.axis) {
            (Some(a), Some(b)) if a != b => return None,
            (a, b) => a.or(b),
        };
        let count = self.values.len().max(other.values.len());
        let values = (0..count).map(|place| self.at(place) * other.at(place)).collect();
        Some(Factors { axis, values })
    }

    fn at(&self, place: usize) -> f64 {
        self.values[if self.values.len() == 1 { 0 } else { place }]
    }
}

/// The factors of a map, if they depend on one whole axis of the stored weight only.
fn along_one_axis(weight: &Weight, strides: &[usize], map: &Affine) -> Option<Factors> {
    let parts = parts_of_axes(weight)?;
    let depends = |part: &usize| strides[*part] != 0 && weight.lengths[*part] != 1;
    let mut dependent = (0..weight.shape.len()).filter(|axis| parts[*axis].clone().any(|part| depends(&part)));
    let (first, second) = (dependent.next(), dependent.next());
    let Some(axis) = first else { return Some(Factors { axis: None, values: vec![map.scale()[0]] }) };
    let own: Vec<usize> = parts[axis].clone().collect();
    let lengths: Vec<usize> = own.iter().map(|part| weight.lengths[*part]).collect();
    let place = |index: Vec<usize>| index.iter().zip(&own).map(|(at, part)| at * strides[*part]).sum::<usize>();
    let values = crate::affine::positions(&lengths).map(|index| map.scale()[place(index)]).collect();
    second.is_none().then_some(Factors { axis: Some(axis), values })
}

/// Which of the split axes are parts of each stored axis; the last stored axes may be one.
fn parts_of_axes(weight: &Weight) -> Option<Vec<std::ops::Range<usize>>> {
    let mut part = 0;
    let mut parts = Vec::new();
    for length in &weight.shape {
        let start = part;
        let mut product = 1;
        while part < weight.lengths.len() && (product < *length || part == start) {
            product *= weight.lengths[part];
            part += 1;
        }
        if product > *length {
            // The stored axes from here on are one: nothing may depend on it.
            part = weight.lengths.len();
        } else if product < *length && part < weight.lengths.len() {
            return None;
        }
        parts.push(start..part);
    }
    Some(parts)
}

/// All that is needed to write the new inputs.
struct Rewriting<'a> {
    own: Operator<'a>,
    quantized: &'a Quantized,
    factors: Factors,
    axis: Option<usize>,
}

impl Rewriting<'_> {
    fn run(&self) -> Option<Result<Requantized, Refusal>> {
        let old = self.own.constant(1)?;
        let count = self.axis.map_or(1, |axis| self.quantized.shape[axis]);
        let at = |list: &[f64], place: usize| list[if list.len() == 1 { 0 } else { place }];
        let scales: Vec<f64> = (0..count).map(|place| at(&old.values, place) * self.factors.at(place).abs()).collect();
        let shape = if self.axis.is_some() { vec![count] } else { old.shape.clone() };
        let zeros = if self.own.input(2).is_some() { integers(&self.own, 2)? } else { vec![0] };
        let negative = (0..count).any(|place| self.factors.at(place) < 0.0);
        let integers = match negative {
            false => None,
            true => match self.turned(count, &zeros)? {
                Ok(integers) => Some(integers),
                Err(refusal) => return Some(Err(refusal)),
            },
        };
        let spread = self.own.input(2).is_some() && zeros.len() != count;
        let zero = spread.then(|| self.constant(shape.clone(), vec![zeros[0]; count]));
        let (zero, node) = (zero.flatten(), self.quantized.node);
        let scale = NewConstant::new(shape, &scales, self.quantized.element);
        Some(scale.map(|scale| Requantized { node, scale, zero, integers, axis: self.axis }))
    }

    /// The integers with another sign where factors are negative: 2·zero_point − q.
    fn turned(&self, count: usize, zeros: &[i64]) -> Option<Result<NewConstant, Refusal>> {
        let mut integers = integers(&self.own, 0)?;
        let inner: usize = self.axis.map_or(1, |axis| self.quantized.shape[axis + 1..].iter().product());
        let (least, most) = limits(self.quantized.integer)?;
        for (place, integer) in integers.iter_mut().enumerate() {
            let channel = place / inner % count;
            if self.factors.at(channel) < 0.0 {
                *integer = 2 * zeros[if zeros.len() == 1 { 0 } else { channel }] - *integer;
            }
        }
        if let Some(lost) = integers.iter().find(|integer| !(least..=most).contains(integer)) {
            let detail = format!("a factor is negative, and {lost} does not fit {}", self.quantized.integer.name());
            return Some(Err(self.own.refuse(Code::Quantized, detail)));
        }
        self.constant(self.quantized.shape.clone(), integers).map(Ok)
    }

    fn constant(&self, shape: Vec<usize>, integers: Vec<i64>) -> Option<NewConstant> {
        let bytes = self.quantized.integer.bits()? as usize / 8;
        let little_endian = integers.iter().flat_map(|integer| integer.to_le_bytes().into_iter().take(bytes));
        Some(NewConstant { shape, element: self.quantized.integer, payload: little_endian.collect::<Vec<u8>>().into() })
    }
}

/// The least and the largest integer of a type of whole bytes.
fn limits(integer: DataType) -> Option<(i64, i64)> {
    Some(match integer {
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Uint8 => (u8::MIN.into(), u8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Uint16 => (u16::MIN.into(), u16::MAX.into()),
        DataType::Int32 => (i32::MIN.into(), i32::MAX.into()),
        _ => return None,
    })
}

/// The integers of a constant input that is stored.
fn integers(op: &Operator, slot: usize) -> Option<Vec<i64>> {
    let crate::graph::constant::Constant::Stored(home) = op.constants.find(op.input(slot)?).ok()? else { return None };
    let tensor: &TensorProto = op.constants.stored(home).ok()?;
    let (bytes, element) = (tensor.little_endian().ok()?.to_bytes().ok()?, tensor.element()?);
    Some(match element {
        DataType::Int8 => bytes.iter().map(|byte| i64::from(*byte as i8)).collect(),
        DataType::Uint8 => bytes.iter().map(|byte| i64::from(*byte)).collect(),
        DataType::Int16 => bytes.as_chunks().0.iter().map(|le| i16::from_le_bytes(*le).into()).collect(),
        DataType::Uint16 => bytes.as_chunks().0.iter().map(|le| u16::from_le_bytes(*le).into()).collect(),
        DataType::Int32 => bytes.as_chunks().0.iter().map(|le| i32::from_le_bytes(*le).into()).collect(),
        _ => return None,
    })
}
