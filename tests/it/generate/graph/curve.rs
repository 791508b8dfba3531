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
