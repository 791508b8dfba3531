//! Planted faults: each is found where it was planted.

mod kinds;
mod random;

use super::{Location, NodeName, locate};
use crate::engine::Array;
use crate::onnx::element::FloatType;
use crate::onnx::schema::ModelProto;
use crate::verify::{VerifyError, VerifyOptions};

fn parsed(graph: &str) -> ModelProto {
    crate::onnx::text::parse(format!("<ir_version: 8, opset_import: [\"\" : 17]> {graph}")).unwrap()
}

/// Elements that are not all of one sign.
fn sample(element: FloatType, shape: &[usize]) -> Array {
    let count = shape.iter().product();
    let values: Vec<f64> = (0..count).map(|i| ((i * 37 % 23) as f64 - 11.0) / 7.0).collect();
    Array::floats(element, shape.to_vec(), &values).unwrap()
}

fn search(a: &str, b: &str, shape: &[usize]) -> Option<Location> {
    let inputs = [sample(FloatType::F32, shape)];
    locate(&parsed(a), &parsed(b), &inputs, &VerifyOptions::default(), &|_, _| {}).unwrap()
}

fn found(a: &str, b: &str, shape: &[usize]) -> Location {
    search(a, b, shape).expect("they differ")
}

fn names(node: &Option<NodeName>) -> String {
    node.as_ref().map_or("-".into(), |node| format!("{} {}", node.operator, node.name))
}

/// `operator name` of the nodes that make the value in the original and in the result.
fn makers(location: &Location) -> [String; 2] {
    [names(&location.original.node), names(&location.result.node)]
}

fn agreeing(location: &Location) -> Vec<&str> {
    location.agreeing.iter().map(|agreement| agreement.original.as_str()).collect()
}

/// Of each node that is not the same: what it was, what it is, and its constants.
fn touched(location: &Location) -> Vec<String> {
    let line = |touched: &super::Touched| {
        let constants: Vec<&str> = touched.constants.iter().map(|constant| constant.name.as_str()).collect();
        format!("{} > {} [{}]", names(&touched.original), names(&touched.result), constants.join(" "))
    };
    location.touched.iter().map(line).collect()
}

/// Sixty operators in a row, each of which keeps what it is given, more or less; those of
/// `faulty` do not.
fn chain(faulty: &[usize]) -> String {
    let mut constants = Vec::new();
    let mut nodes = String::new();
    for place in 0..60 {
        let wrong = if faulty.contains(&place) { 1.1 } else { 1.0 };
        constants.push(format!("float[1] w{place} = {{{}}}", wrong * [1.25, 0.8][place % 2]));
        let before = if place == 0 { "x".into() } else { format!("v{}", place - 1) };
        nodes += &format!("[n{place}] v{place} = Mul ({before}, w{place}) ");
    }
    format!("g (float[2,3] x) => (float[2,3] v59) <{}> {{ {nodes} }}", constants.join(", "))
}

#[test]
fn a_changed_weight_is_found_wherever_it_is() {
    for place in [0, 1, 7, 30, 58, 59] {
        let location = found(&chain(&[]), &chain(&[place]), &[2, 3]);
        assert_eq!(makers(&location), [format!("Mul n{place}"), format!("Mul n{place}")]);
        assert_eq!(location.original.value, format!("v{place}"));
        assert_eq!(location.is_output, place == 59);
        let before = if place == 0 { "x".into() } else { format!("v{}", place - 1) };
        assert_eq!(agreeing(&location), [before]);
        assert_eq!(touched(&location), [format!("Mul n{place} > Mul n{place} [w{place}]")]);
        let difference = location.difference.expect("of one shape");
        assert!((difference.max_rel - 0.1).abs() < 1e-6 && difference.mismatched > 0.9, "{difference:?}");
        assert_eq!(location.candidates, 60);
    }
}

#[test]
fn few_values_are_compared() {
    let location = found(&chain(&[]), &chain(&[33]), &[2, 3]);
    assert!(location.compared <= 1 + 3 * 8, "{}", location.compared);
}

#[test]
fn of_two_faults_the_first_is_found() {
    for faulty in [[20, 40], [3, 4], [0, 59]] {
        let location = found(&chain(&[]), &chain(&faulty), &[2, 3]);
        assert_eq!(location.original.value, format!("v{}", faulty[0]));
    }
}

#[test]
fn the_same_models_have_no_difference() {
    assert!(search(&chain(&[]), &chain(&[]), &[2, 3]).is_none());
    let (separate, folded) = (norms(), folded(0.5, 0.25));
    assert!(search(&separate, &folded, &[1, 2, 4, 4]).is_none());
}

/// Two BatchNormalizations behind Convs; mean 0 and variance 1 − ε, so that scale and bias are all
/// there is to them.
fn norms() -> String {
    "g (float[1,2,4,4] x) => (float[1,2,4,4] y) <
        float[2,2,1,1] W1 = {1, -2, 0.5, 3}, float[2,2,1,1] W2 = {-1, 1, 2, 0.25},
        float[2] s1 = {0.5, 2}, float[2] b1 = {0.125, -1}, float[2] s2 = {0.25, 4}, float[2] b2 = {1, 0.5},
        float[2] mean = {0, 0}, float[2] var = {1, 1}> {
        [conv1] c1 = Conv (x, W1)
        [bn1] n1 = BatchNormalization <epsilon = 0.0> (c1, s1, b1, mean, var)
        [relu1] r1 = Relu (n1)
        [conv2] c2 = Conv (r1, W2)
        [bn2] n2 = BatchNormalization <epsilon = 0.0> (c2, s2, b2, mean, var)
        [relu2] r2 = Relu (n2)
        [sum] y = Add (r1, r2)
    }"
    .into()
}

/// The same, folded with these for the first scales of both; 0.5 and 0.25 are right.
fn folded(first: f64, second: f64) -> String {
    format!(
        "g (float[1,2,4,4] x) => (float[1,2,4,4] y) <
            float[2,2,1,1] W1 = {{{}, {}, 1, 6}}, float[2,2,1,1] W2 = {{{}, {}, 8, 1}},
            float[2] b1 = {{0.125, -1}}, float[2] b2 = {{1, 0.5}}> {{
            [conv1] n1 = Conv (x, W1, b1)
            [relu1] r1 = Relu (n1)
            [conv2] n2 = Conv (r1, W2, b2)
            [relu2] r2 = Relu (n2)
            [sum] y = Add (r1, r2)
        }}",
        first,
        -2.0 * first,
        -second,
        second
    )
}

#[test]
fn a_wrong_fold_is_named_with_what_it_touched() {
    let location = found(&norms(), &folded(0.5, 0.5), &[1, 2, 4, 4]);
    assert_eq!(makers(&location), ["BatchNormalization bn2", "Conv conv2"]);
    assert_eq!((location.original.value.as_str(), location.result.value.as_str()), ("n2", "n2"));
    assert_eq!(agreeing(&location), ["r1"]);
    let touched = touched(&location);
    assert!(touched.contains(&"BatchNormalization bn2 > - []".into()), "{touched:?}");
    assert!(
        touched.iter().any(|line| line.starts_with("Conv conv2 > Conv conv2 [") && line.contains("W2")),
        "{touched:?}"
    );
    assert!(!touched.iter().any(|line| line.contains("conv1")), "{touched:?}");
    let location = found(&norms(), &folded(0.25, 0.25), &[1, 2, 4, 4]);
    assert_eq!(makers(&location), ["BatchNormalization bn1", "Conv conv1"]);
    assert_eq!(agreeing(&location), ["x"]);
}

/// All names of a model but those of its inputs and outputs, changed as another tool would.
fn renamed(graph: &str) -> String {
    let words = ["c1", "c2", "n1", "n2", "r1", "r2", "W1", "W2", "s1", "s2", "b1", "b2", "mean", "var"];
    let nodes = ["conv1", "conv2", "bn1", "bn2", "relu1", "relu2", "sum"];
    let renamed = words.iter().enumerate().fold(graph.to_owned(), |text, (place, word)| {
        let text = text.replace(&format!("{word} ="), &format!("v{place} ="));
        let text = text.replace(&format!("({word}"), &format!("(v{place}"));
        text.replace(&format!(", {word}"), &format!(", v{place}"))
    });
    nodes.iter().fold(renamed, |text, node| text.replace(&format!("[{node}] "), ""))
}

#[test]
fn names_are_not_needed() {
    let shape = [1, 2, 4, 4];
    assert!(search(&norms(), &renamed(&norms()), &shape).is_none());
    assert!(search(&norms(), &renamed(&folded(0.5, 0.25)), &shape).is_none());
    let wrong = renamed(&norms()).replace("{-1, 1, 2, 0.25}", "{-1, 1, 2, 0.75}");
    let location = found(&norms(), &wrong, &shape);
    assert_eq!(makers(&location)[0], "Conv conv2");
    assert_eq!(agreeing(&location), ["r1"]);
    assert_eq!(touched(&location), ["Conv conv2 > Conv conv2 [W2]"]);
    let location = found(&norms(), &renamed(&folded(0.5, 0.5)), &shape);
    assert_eq!((makers(&location)[0].as_str(), agreeing(&location)), ("BatchNormalization bn2", vec!["r1"]));
    let location = found(&norms(), &renamed(&folded(0.25, 0.5)), &shape);
    assert_eq!((makers(&location)[0].as_str(), agreeing(&location)), ("BatchNormalization bn1", vec!["x"]));
}

/// A Conv that keeps its output's name when it takes in a BatchNormalization.
#[test]
fn a_name_that_now_means_something_else_does_not_mislead() {
    let keeps = |text: String| text.replace("n1", "c1").replace("n2", "c2");
    assert!(search(&norms(), &keeps(folded(0.5, 0.25)), &[1, 2, 4, 4]).is_none());
    let location = found(&norms(), &keeps(folded(0.5, 0.5)), &[1, 2, 4, 4]);
    assert_eq!(makers(&location), ["BatchNormalization bn2", "Conv conv2"]);
    assert_eq!((location.original.value.as_str(), location.result.value.as_str()), ("n2", "c2"));
}

fn branches(left: f64, right: f64) -> String {
    format!(
        "g (float[1,1,4,4] x) => (float[1,1,2,2] y) <
            float[1] l = {{{left}}}, float[1] r = {{{right}}}, float[1] half = {{0.5}}> {{
            [left] a = Mul (x, l)
            [left_relu] b = Relu (a)
            [left_pool] c = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (b)
            [right] d = Add (x, r)
            [right_pool] e = AveragePool <kernel_shape = [2, 2], strides = [2, 2]> (d)
            [scale] f = Mul (e, half)
            [join] y = Add (c, f)
        }}"
    )
}

#[test]
fn a_fault_in_a_branch_is_found_in_that_branch() {
    let location = found(&branches(1.0, 0.5), &branches(1.5, 0.5), &[1, 1, 4, 4]);
    assert_eq!(makers(&location)[0], "Mul left");
    let location = found(&branches(1.0, 0.5), &branches(1.0, 0.75), &[1, 1, 4, 4]);
    assert_eq!(makers(&location)[0], "Add right");
}

#[test]
fn a_fault_that_nothing_comes_of_is_not_the_one() {
    // Relu of a negative is 0 whatever it is times.
    let masked = |first: f64, second: f64| {
        format!(
            "g (float[2,3] x) => (float[2,3] y) <float[1] a = {{{first}}}, float[1] b = {{{second}}}> {{
                [abs] p = Abs (x) [neg] n = Neg (p) [masked] m = Mul (n, a) [relu] r = Relu (m)
                [add] s = Add (p, b) [join] y = Add (r, s)
            }}"
        )
    };
    let location = found(&masked(1.0, 1.0), &masked(2.0, 2.0), &[2, 3]);
    assert_eq!(makers(&location)[0], "Add add");
    assert!(search(&masked(1.0, 1.0), &masked(2.0, 1.0), &[2, 3]).is_none());
}

#[test]
fn what_was_meant_to_change_is_not_a_fault() {
    // A map that moved from behind a Reshape and a Transpose to before them.
    let model = |before: f64, behind: f64, last: f64| {
        format!(
            "g (float[2,3] x) => (float[2,3] y) <
                float[1] p = {{{before}}}, float[1] q = {{{behind}}}, float[1] r = {{{last}}}, int64[1] flat = {{6}},
                int64[2] back = {{2, 3}}> {{
                [before] a = Mul (x, p) [flat] b = Reshape (a, flat) [back] c = Reshape (b, back)
                [behind] d = Mul (c, q) [more] e = Neg (d) [last] f = Add (e, r) [end] y = Neg (f)
            }}"
        )
    };
    assert!(search(&model(1.0, 2.0, 3.0), &model(2.0, 1.0, 3.0), &[2, 3]).is_none());
    let location = found(&model(1.0, 2.0, 3.0), &model(2.0, 1.0, 3.5), &[2, 3]);
    assert_eq!(makers(&location)[0], "Add last");
    assert_eq!(agreeing(&location), ["e"]);
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    let inputs = [sample(FloatType::F32, &[2, 3])];
    let error = |a: &str, b: &str| {
        locate(&parsed(a), &parsed(b), &inputs, &VerifyOptions::default(), &|_, _| {}).map(|_| ()).unwrap_err()
    };
    let good = "g (float[2,3] x) => (float[2,3] y) { y = Neg (x) }";
    let two = "g (float[2,3] x, float[2,3] z) => (float[2,3] y) { y = Add (x, z) }";
    let foreign = "g (float[2,3] x) => (float[2,3] y) { y = Frobnicate (x) }";
    assert_eq!(
        error(good, two).to_string(),
        "the models differ in their number of inputs: the original has 1, the result has 2"
    );
    assert!(matches!(error(foreign, good), VerifyError::Original(_)));
    assert!(matches!(error(good, foreign), VerifyError::Result(_)));
}

#[test]
fn it_does_not_depend_on_threads_and_progress_ends() {
    let find = |threads| {
        let inputs = [sample(FloatType::F32, &[2, 3])];
        let options = VerifyOptions::default().threads(threads);
        let counts = |done, all| assert!(done <= all && all == 60);
        let location = locate(&parsed(&chain(&[])), &parsed(&chain(&[9])), &inputs, &options, &counts).unwrap();
        serde_json::to_string(&location).unwrap()
    };
    assert_eq!(find(1), find(2));
}
