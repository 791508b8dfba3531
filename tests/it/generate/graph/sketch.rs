//! A graph while it is drawn.

use super::super::numbers::Numbers;
use bn_tool::onnx::element::FloatType;
use std::fmt::Debug;

/// A value of known shape.
#[derive(Clone, Debug)]
pub struct Var {
    pub name: String,
    pub shape: Vec<usize>,
}

impl Var {
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The name with the shape, as in `float[2,3] v1`.
    pub fn declared(&self, element: FloatType) -> String {
        declared(element, &self.shape, &self.name)
    }
}

/// Larger values are not made.
const LARGEST: usize = 400;

/// What has been drawn.
pub struct Sketch {
    pub element: FloatType,
    pub opset: i64,
    /// Where all choices come from; another stream for each step.
    pub dice: Numbers,
    pub values: Vec<Var>,
    pub nodes: Vec<String>,
    /// Initializers: declaration and elements.
    pub constants: Vec<(String, String)>,
    /// Local functions by name.
    pub functions: Vec<(String, String)>,
    names: usize,
}

impl Sketch {
    pub fn new(element: FloatType, opset: i64) -> Self {
        let (values, nodes, constants) = (Vec::new(), Vec::new(), Vec::new());
        Sketch { element, opset, dice: Numbers(0), values, nodes, constants, functions: Vec::new(), names: 0 }
    }

    pub fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    /// A constant of the type of the data.
    pub fn floats(&mut self, shape: &[usize], low: f64, high: f64) -> String {
        self.floats_of(self.element, shape, low, high)
    }

    pub fn floats_of(&mut self, element: FloatType, shape: &[usize], low: f64, high: f64) -> String {
        let values = self.dice.uniform(shape.iter().product(), low, high, element);
        self.stored(element, shape, &values)
    }

    /// Numbers of either sign, away from zero.
    pub fn factors(&mut self, shape: &[usize]) -> String {
        let positive = self.dice.chance(40);
        let values = self.dice.signed(shape.iter().product(), 0.25, 2.0, self.element);
        let values: Vec<f64> = values.into_iter().map(|x| if positive { x.abs() } else { x }).collect();
        self.stored(self.element, shape, &values)
    }

    /// Numbers as an initializer, a Constant node or the Identity of an initializer.
    pub fn stored(&mut self, element: FloatType, shape: &[usize], values: &[f64]) -> String {
        let name = self.name("k");
        let elements: Vec<String> = values.iter().map(|x| literal(*x, element)).collect();
        let elements = format!("{{{}}}", elements.join(", "));
        match self.dice.below(8) {
            0 => {
                let tensor = declared(element, shape, "").trim_end().to_owned();
                self.nodes.push(format!("{name} = Constant <value = {tensor} {elements}> ()"));
            }
            1 => {
                self.constants.push((declared(element, shape, &format!("{name}_0")), elements));
                self.nodes.push(format!("{name} = Identity ({name}_0)"));
            }
            _ => self.constants.push((declared(element, shape, &name), elements)),
        }
        name
    }

    /// An initializer of another type.
    pub fn integers(&mut self, kind: &str, shape: &[usize], values: &[i64]) -> String {
        let name = self.name("q");
        let lengths: Vec<String> = shape.iter().map(ToString::to_string).collect();
        let lengths = if shape.is_empty() { String::new() } else { format!("[{}]", lengths.join(",")) };
        let elements: Vec<String> = values.iter().map(ToString::to_string).collect();
        self.constants.push((format!("{kind}{lengths} {name}"), format!("{{{}}}", elements.join(", "))));
        name
    }

    /// A tensor as an attribute has it.
    pub fn inline(&mut self, shape: &[usize], low: f64, high: f64) -> String {
        let values = self.dice.uniform(shape.iter().product(), low, high, self.element);
        let elements: Vec<String> = values.iter().map(|x| literal(*x, self.element)).collect();
        format!("{} {{{}}}", declared(self.element, shape, "").trim_end(), elements.join(", "))
    }

    pub fn ints(&mut self, values: &[i64]) -> String {
        self.integers("int64", &[values.len()], values)
    }

    /// A list that is an attribute before an operator set, and an input from then on: what to
    /// write in angle brackets, and behind the other inputs.
    pub fn list(&mut self, name: &str, values: &[i64], since: i64) -> (String, String) {
        match self.opset < since {
            true => (format!("<{name} = {values:?}>"), String::new()),
            false => (String::new(), format!(", {}", self.ints(values))),
        }
    }

    /// A node `v = operator`, where `operator` has attributes and inputs. Nothing if the value
    /// would be empty or large.
    pub fn add(&mut self, operator: &str, shape: &[usize]) -> Option<Var> {
        let size: usize = shape.iter().product();
        if size == 0 || size > LARGEST || shape.len() > 6 {
            return None;
        }
        let var = Var { name: self.name("v"), shape: shape.to_vec() };
        self.nodes.push(format!("{} = {operator}", var.name));
        self.values.push(var.clone());
        Some(var)
    }

    /// One of the values.
    pub fn any(&mut self) -> Var {
        let at = self.dice.below(self.values.len());
        self.values[at].clone()
    }

    /// One of several.
    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.dice.below(choices.len())].clone()
    }
}

/// Attributes in angle brackets, or nothing.
pub fn attributes(list: &[String]) -> String {
    if list.is_empty() { String::new() } else { format!("<{}> ", list.join(", ")) }
}

/// An attribute of any kind that Rust prints like ONNX.
pub fn attribute(name: &str, value: impl Debug) -> String {
    format!("{name} = {value:?}")
}

/// A type with lengths and a name, as in `float[2,3] x`; a scalar has none.
pub fn declared(element: FloatType, shape: &[usize], name: &str) -> String {
    let kind = match element {
        FloatType::F16 => "float16",
        FloatType::Bf16 => "bfloat16",
        FloatType::F32 => "float",
        FloatType::F64 => "double",
    };
    let lengths: Vec<String> = shape.iter().map(ToString::to_string).collect();
    if shape.is_empty() { format!("{kind} {name}") } else { format!("{kind}[{}] {name}", lengths.join(",")) }
}

/// A number as the text has it: f16 and bf16 are bit patterns.
pub fn literal(value: f64, element: FloatType) -> String {
    match element {
        FloatType::F16 => half::f16::from_f64(value).to_bits().to_string(),
        FloatType::Bf16 => half::bf16::from_f64(value).to_bits().to_string(),
        FloatType::F32 => format!("{:?}", value as f32),
        FloatType::F64 => format!("{value:?}"),
    }
}
