//! Bodies: branches of an If, the body of a Loop, and local functions.

use super::sketch::{Sketch, Var, declared};

/// Both branches of an If read a value of the graph around them; one may have a Conv with a
/// BatchNormalization of its own.
pub fn branches(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let (name, element) = (sketch.name("b"), sketch.element);
    let (left, right) = (format!("{name}_then"), format!("{name}_else"));
    let body = match x.rank() > 2 && sketch.dice.chance(50) {
        true => inner(sketch, x, &x.name, &left),
        false => format!("{left} = Relu ({})", x.name),
    };
    let operator = format!(
        "If (flag) <then_branch = {name}_t () => ({}) {{ {body} }}, else_branch = {name}_e () => ({}) {{ {right} = Identity ({}) }}>",
        declared(element, &x.shape, &left),
        declared(element, &x.shape, &right),
        x.name
    );
    sketch.add(&operator, &x.shape)
}

/// A Conv and a BatchNormalization, in either order, with constants of the graph around.
fn inner(sketch: &mut Sketch, x: &Var, input: &str, output: &str) -> String {
    let channels = x.shape[1];
    let weight = sketch.floats(&[&[channels, channels], &vec![1; x.rank() - 2][..]].concat(), -1.0, 1.0);
    let parameters = PARAMETERS.map(|(low, high)| sketch.floats(&[channels], low, high));
    let last = if sketch.dice.chance(70) { "BatchNormalization" } else { "Conv" };
    pair(last, input, output, &weight, &parameters.join(", "))
}

/// Bounds of scale, bias, mean and variance.
const PARAMETERS: [(f64, f64); 4] = [(0.3, 2.0), (-1.0, 1.0), (-1.0, 1.0), (0.3, 4.0)];

fn pair(last: &str, input: &str, output: &str, weight: &str, parameters: &str) -> String {
    match last {
        "Conv" => {
            format!("{output}_n = BatchNormalization ({input}, {parameters}) {output} = Conv ({output}_n, {weight})")
        }
        _ => {
            format!("{output}_c = Conv ({input}, {weight}) {output} = BatchNormalization ({output}_c, {parameters})")
        }
    }
}

/// A Loop of two rounds.
pub fn rounds(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    if x.rank() < 3 || sketch.opset < 11 {
        return None;
    }
    let (name, element) = (sketch.name("l"), sketch.element);
    let (value, output) = (format!("{name}_v"), format!("{name}_o"));
    let body = inner(sketch, x, &value, &output);
    let trips = sketch.ints(&[2]);
    let [value, output] = [value, output].map(|name| declared(element, &x.shape, &name));
    let signature = format!("(int64 {name}_i, bool {name}_c, {value}) => (bool {name}_d, {output})");
    let body = format!("{name}_b {signature} {{ {name}_d = Identity ({name}_c) {body} }}");
    sketch.add(&format!("Loop ({trips}, \"\", {}) <body = {body}>", x.name), &x.shape)
}

/// A call of a local function, perhaps of one that is called already.
pub fn call(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    if x.rank() < 3 {
        return None;
    }
    let key = format!("block_{}_{}", x.shape[1], x.rank());
    if !sketch.functions.iter().any(|(name, _)| *name == key) {
        let text = function(sketch, x, &key);
        sketch.functions.push((key.clone(), text));
    }
    sketch.add(&format!("loc.{key} ({})", x.name), &x.shape)
}

/// A function with its constants inside.
fn function(sketch: &mut Sketch, x: &Var, name: &str) -> String {
    let channels = x.shape[1];
    let weight = sketch.inline(&[&[channels, channels], &vec![1; x.rank() - 2][..]].concat(), -1.0, 1.0);
    let mut nodes = vec![format!("w = Constant <value = {weight}> ()")];
    for (parameter, (low, high)) in ["s", "b", "m", "v"].iter().zip(PARAMETERS) {
        nodes.push(format!("{parameter} = Constant <value = {}> ()", sketch.inline(&[channels], low, high)));
    }
    let last = if sketch.dice.chance(70) { "BatchNormalization" } else { "Conv" };
    nodes.push(pair(last, "a", "r", "w", "s, b, m, v"));
    let opset = sketch.opset;
    format!("<domain: \"loc\", opset_import: [\"\" : {opset}]>\n{name} (a) => (r)\n{{\n  {}\n}}\n", nodes.join("\n  "))
}
