//! Operators that are not linear, and those that do nothing.

use super::sketch::{Sketch, Var};

pub fn curve(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let operator = sketch.pick(&["Relu", "Relu", "Sigmoid", "Tanh", "LeakyRelu", "Clip", "Softmax", "Elu"]);
    if operator == "Softmax" && x.rank() < 2 {
        return None;
    }
    sketch.add(&format!("{operator} ({})", x.name), &x.shape)
}

pub fn nothing(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let operator = sketch.pick(&["Identity", "Identity", "Dropout", "Cast"]);
    let element = sketch.element.data_type().code();
    match operator {
        "Cast" => sketch.add(&format!("Cast <to = {element}> ({})", x.name), &x.shape),
        _ => sketch.add(&format!("{operator} ({})", x.name), &x.shape),
    }
}

/// Both branches of an If read a value of the graph around them; one may have a Conv with a
/// BatchNormalization of its own.
pub fn branches(sketch: &mut Sketch, x: &Var) -> Option<Var> {
    let (name, kind) = (sketch.name("b"), |name: &str| Var { name: name.to_owned(), shape: x.shape.clone() });
    let (left, right) = (format!("{name}_then"), format!("{name}_else"));
    let element = sketch.element;
    let body = match x.rank() > 2 && sketch.dice.chance(50) {
        true => inner(sketch, x, &left),
        false => format!("{left} = Relu ({})", x.name),
    };
    let operator = format!(
        "If (flag) <then_branch = {name}_t () => ({}) {{ {body} }}, else_branch = {name}_e () => ({}) {{ {right} = Identity ({}) }}>",
        kind(&left).declared(element),
        kind(&right).declared(element),
        x.name
    );
    sketch.add(&operator, &x.shape)
}

fn inner(sketch: &mut Sketch, x: &Var, output: &str) -> String {
    let channels = x.shape[1];
    let weight = sketch.floats(&[&[channels, channels], &vec![1; x.rank() - 2][..]].concat(), -1.0, 1.0);
    let parameters = [(0.3, 2.0), (-1.0, 1.0), (-1.0, 1.0), (0.3, 4.0)];
    let parameters = parameters.map(|(low, high)| sketch.floats(&[channels], low, high)).join(", ");
    let normal = |input: &str, output: &str| format!("{output} = BatchNormalization ({input}, {parameters})");
    match sketch.dice.chance(70) {
        true => format!("{output}_c = Conv ({}, {weight}) {}", x.name, normal(&format!("{output}_c"), output)),
        false => format!("{} {output} = Conv ({output}_n, {weight})", normal(&x.name, &format!("{output}_n"))),
    }
}
