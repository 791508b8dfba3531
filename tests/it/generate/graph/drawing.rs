//! What proptest draws, and the model that it stands for.

use super::super::Case;
use super::super::numbers::Numbers;
use super::operators::OPERATORS;
use super::sketch::{Sketch, Var, declared};
use bn_tool::onnx::element::FloatType;
use bn_tool::onnx::text::parse;
use ndarray::{ArrayD, IxDyn};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A list of steps, and what concerns all of them.
#[derive(Clone)]
pub struct Drawing {
    element: FloatType,
    /// A wish; bf16 is everywhere only from 22 on.
    opset: i64,
    input: Vec<usize>,
    /// Whether batch and image are said to be of any length.
    symbolic: bool,
    /// How many in a hundred inner values are declared.
    declared: usize,
    steps: Vec<Step>,
    seed: u64,
}

/// An operator (by its place in the list), what it reads, and its choices.
#[derive(Clone, Copy, Debug)]
struct Step {
    operator: usize,
    from: u8,
    seed: u64,
}

/// As text: what fails can be tried by hand.
impl fmt::Debug for Drawing {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let names: Vec<&str> = self.steps.iter().map(|step| OPERATORS[step.operator].1).collect();
        write!(out, "{names:?}\n{}", self.text())
    }
}

impl Drawing {
    pub fn build(&self) -> Case {
        let text = self.text();
        let model = parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let mut numbers = Numbers(self.seed);
        let x = numbers.uniform(self.input.iter().product(), -2.0, 2.0, self.element);
        let x = ArrayD::from_shape_vec(IxDyn(&self.input), x).expect("as many as the shape says");
        let flag = ArrayD::from_elem(IxDyn(&[]), (self.seed % 2) as f64);
        Case { model, inputs: BTreeMap::from([("x".to_owned(), x), ("flag".to_owned(), flag)]) }
    }

    /// The model in the textual syntax.
    pub fn text(&self) -> String {
        let sketch = self.sketch();
        let mut dice = Numbers(self.seed);
        let constants = sketch.constants.iter().map(|(name, elements)| format!("{name} = {elements}"));
        let overridable = sketch.constants.iter().filter(|_| dice.chance(1)).map(|(name, _)| format!(", {name}"));
        let overridable: String = overridable.collect();
        let outputs = outputs(&sketch, &mut dice);
        let inner = sketch.values[1..].iter().filter(|value| !outputs.contains(&value.name));
        let inner = inner.filter(|_| dice.chance(self.declared)).map(|value| value.declared(self.element));
        let inner: Vec<String> = inner.collect();
        let returned = sketch.values.iter().filter(|value| outputs.contains(&value.name));
        let returned: Vec<String> = returned.map(|value| unknown(value, self.element)).collect();
        format!(
            "<ir_version: {}, opset_import: [\"\" : {}{}]>\ngraph (bool flag, {}{overridable}) => ({})\n<\n  {}\n>\n{{\n  {}\n}}\n{}",
            if sketch.opset < 18 { 8 } else { 10 },
            sketch.opset,
            if sketch.functions.is_empty() { "" } else { ", \"loc\" : 1" },
            self.declared_input(),
            returned.join(", "),
            constants.chain(inner).collect::<Vec<_>>().join(",\n  "),
            sketch.nodes.join("\n  "),
            sketch.functions.iter().map(|(_, text)| text.as_str()).collect::<String>()
        )
    }

    fn sketch(&self) -> Sketch {
        let opset = if self.element == FloatType::Bf16 { 22 } else { self.opset };
        let mut sketch = Sketch::new(self.element, opset);
        sketch.values.push(Var { name: "x".to_owned(), shape: self.input.clone() });
        for step in &self.steps {
            sketch.dice = Numbers(step.seed);
            // The last value most often.
            let last = sketch.values.len() - 1;
            let at = if step.from < 190 { last } else { usize::from(step.from) % (last + 1) };
            let x = sketch.values[at].clone();
            OPERATORS[step.operator].2(&mut sketch, &x);
        }
        if sketch.values.len() == 1 {
            sketch.add("Identity (x)", &self.input);
        }
        sketch
    }

    fn declared_input(&self) -> String {
        if !self.symbolic {
            return declared(self.element, &self.input, "x");
        }
        let lengths = self.input.iter().enumerate();
        let lengths = lengths.map(|(axis, length)| if axis == 1 { length.to_string() } else { format!("d{axis}") });
        let text = declared(self.element, &[], "");
        format!("{}[{}] x", text.trim(), lengths.collect::<Vec<_>>().join(","))
    }
}

/// The last value, most of what nobody reads, and some that are read.
fn outputs(sketch: &Sketch, dice: &mut Numbers) -> BTreeSet<String> {
    let is_word = |char: char| !char.is_alphanumeric() && char != '_';
    let read = |name: &str| {
        let right =
            |node: &str| node.split_once(" = ").is_some_and(|(_, right)| right.split(is_word).any(|word| word == name));
        sketch.nodes.iter().any(|node| right(node))
    };
    let last = sketch.values.last().expect("there is one").name.clone();
    let mut chosen = BTreeSet::from([last]);
    for value in &sketch.values[1..] {
        if dice.chance(if read(&value.name) { 4 } else { 85 }) {
            chosen.insert(value.name.clone());
        }
    }
    chosen
}

/// A value with lengths that are said to be unknown.
fn unknown(value: &Var, element: FloatType) -> String {
    let lengths: Vec<String> = (0..value.rank()).map(|axis| format!("{}_{axis}", value.name)).collect();
    let kind = declared(element, &[], "").trim().to_owned();
    if lengths.is_empty() {
        format!("{kind} {}", value.name)
    } else {
        format!("{kind}[{}] {}", lengths.join(","), value.name)
    }
}

/// Any graph.
pub fn drawings() -> impl Strategy<Value = Drawing> {
    let floats =
        prop::sample::select(vec![FloatType::F32, FloatType::F32, FloatType::F64, FloatType::F16, FloatType::Bf16]);
    let opset = prop::sample::select(vec![7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22]);
    let weighted = OPERATORS.iter().enumerate().flat_map(|(at, (weight, ..))| vec![at; *weight as usize]);
    let operator = prop::sample::select(weighted.collect::<Vec<_>>());
    let step = (operator, any::<u8>(), any::<u64>()).prop_map(|(operator, from, seed)| Step { operator, from, seed });
    let length = prop::sample::select(vec![2, 2, 3, 4]);
    let input = prop_oneof![1 => vec(length.clone(), 2), 1 => vec(length.clone(), 3), 3 => vec(length, 4)];
    let declared = prop::sample::select(vec![0, 0, 50, 100]);
    let parts = (floats, opset, input, prop::bool::weighted(0.3), declared, vec(step, 3..=12), any::<u64>());
    parts.prop_map(|(element, opset, input, symbolic, declared, steps, seed)| Drawing {
        element,
        opset,
        input,
        symbolic,
        declared,
        steps,
        seed,
    })
}
