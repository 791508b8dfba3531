//! Weights that do not fit their type any more.

use crate::folding::fold;
use bn_tool::onnx::text::parse;

/// The first of a chain is too much for the Conv, and what follows cannot help. It goes into the first,
/// seven factors of 4 until that is full, and the rest into the next that stays.
#[test]
fn a_chain_is_cut_in_one_go() {
    let nodes: String =
        (0..12).map(|index| format!("b{} = BatchNormalization (b{index}, s, z, z, v)\n", index + 1)).collect();
    let text = format!(
        "<ir_version: 8, opset_import: [\"\" : 17]> g (float16[1,1,1,1] x) => (float16[1,1,1,1] b12)
        <float16[1,1,1,1] L = {{30000.0}},
         float16[1] s = {{4.0}}, float16[1] z = {{0.0}}, float16[1] v = {{1.0}}> {{ b0 = Conv (x, L) {nodes} }}"
    );
    assert_eq!(attempts(&text), (10, 2, 2));
}

/// Twenty Convs side by side; every other weight is too large to be scaled. However many overflow,
/// the model is folded twice, not twenty times.
#[test]
fn all_that_overflow_are_found_at_once() {
    let names: Vec<String> = (0..20).map(|index| format!("y{index}")).collect();
    let nodes = names.iter().enumerate().map(|(index, name)| {
        let weight = if index % 2 == 0 { "L" } else { "S" };
        format!("c{name} = Conv (x, {weight})  {name} = BatchNormalization (c{name}, s, z, z, v)")
    });
    let outputs = names.iter().map(|name| format!("float16[1,1,1,1] {name}")).collect::<Vec<_>>().join(", ");
    let text = format!(
        "<ir_version: 8, opset_import: [\"\" : 17]> g (float16[1,1,1,1] x) => ({outputs})
        <float16[1,1,1,1] L = {{30000.0}}, float16[1,1,1,1] S = {{1.5}},
         float16[1] s = {{4.0}}, float16[1] z = {{0.0}}, float16[1] v = {{1.0}}> {{ {} }}",
        nodes.collect::<Vec<_>>().join("\n")
    );
    assert_eq!(attempts(&text), (10, 10, 2));
}

/// How many are folded, how many are kept, and how often the model was folded for that.
fn attempts(text: &str) -> (usize, usize, usize) {
    let model = parse(text).expect("it parses");
    let mut attempts = 0;
    let folded = fold(&model, || attempts += 1).expect("it folds");
    (folded.report.folded, folded.report.kept, attempts)
}
