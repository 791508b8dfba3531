//! Recurrent operators: each run begins with the initial state.
//!
//! tract is made for streams. Scan, and what GRU, LSTM and RNN become, go on with the state that the run
//! before has left, so that a sample would depend on those that the same thread ran before.

use tract_onnx::prelude::TypedModel;
use tract_onnx::tract_core::ops::gru_seq::GruSeq;
use tract_onnx::tract_core::ops::logic::IfThenElse;
use tract_onnx::tract_core::ops::scan::Scan;

/// Lets all recurrent operators of a model forget, those in bodies and branches as well. To be called
/// before the model is optimised.
pub fn begin_anew(model: &mut TypedModel) {
    for node in model.nodes_mut() {
        if let Some(scan) = node.op_as_mut::<Scan>() {
            scan.reset_every_turn = true;
            begin_anew(&mut scan.body);
        } else if let Some(gru) = node.op_as_mut::<GruSeq>() {
            gru.reset_every_turn = true;
        } else if let Some(branches) = node.op_as_mut::<IfThenElse>() {
            begin_anew(&mut branches.then_body);
            begin_anew(&mut branches.else_body);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::{Array, Session};
    use crate::onnx::element::FloatType;
    use crate::onnx::text::parse;

    const SCAN: &str = "z = Transpose <perm = [1, 0, 2]> (x)
        y = Scan <num_scan_inputs = 1, body = step (float[1,2] a, float[1,2] r) => (float[1,2] t) { t = Add (a, r) }> (zero, z)";

    /// Runs a model of x `[1, 4, 2]` on two samples, the first one once more at the end.
    fn runs(nodes: &str, optimised: bool) -> [Vec<f64>; 3] {
        // Above 3000 nodes a model is not optimised.
        let more: String =
            (0..if optimised { 0 } else { 3100 }).map(|i| format!("i{i} = Neg (i{})\n", i - 1)).collect();
        let more = more.replacen("(i-1)", "(zero)", 1);
        let text = format!(
            "<ir_version: 8, opset_import: [\"\" : 17]> g (float[1,4,2] x) => (y) <
               float[1,2] zero = {{0, 0}}, bool yes = {{1}},
               float[1,2,2] W1 = {{0.6, -0.8, 0.3, 0.9}}, float[1,2,2] R1 = {{0.5, -0.3, 0.2, 0.8}},
               float[1,6,2] W3 = {{0.6, -0.8, 0.3, 0.9, 0.1, 0.2, -0.4, 0.5, 0.7, -0.6, 0.8, 0.2}},
               float[1,8,2] W4 = {{0.6, -0.8, 0.3, 0.9, 0.1, 0.2, -0.4, 0.5, 0.7, -0.6, 0.8, 0.2, 1, 2, 3, 4}}> {{ {nodes} {more} }}"
        );
        let model = parse(text).expect("the text is a model");
        let session = Session::compile(&model, &[vec![1, 4, 2]], None).expect("it compiles");
        let mut worker = session.worker().expect("it starts");
        let samples = [[1.0, -1.0, 0.5, 2.0, 0.0, 1.0, -2.0, 3.0], [9.0; 8]];
        let input = |values: &[f64]| [Array::floats(FloatType::F32, vec![1, 4, 2], values).expect("consistent")];
        [0, 1, 0].map(|sample| worker.run(&input(&samples[sample])).expect("it runs")[0].values())
    }

    #[test]
    fn a_run_does_not_depend_on_the_one_before() {
        let rows = "z = Transpose <perm = [1, 0, 2]> (x)\n";
        for nodes in [
            SCAN.to_owned(),
            format!(
                "y = If (yes) <then_branch = t () => (y1) {{ {} }}, else_branch = e () => (y2) {{ y2 = Neg (zero) }}>",
                SCAN.replace(" y = Scan", " y1 = Scan")
            ),
            format!("{rows} all, y = RNN <hidden_size = 2> (z, W1, R1)"),
            format!("{rows} all, y = GRU <hidden_size = 2> (z, W3, W3)"),
            format!("{rows} all, y = GRU <hidden_size = 2, linear_before_reset = 1> (z, W3, W3)"),
            format!("{rows} all, y = LSTM <hidden_size = 2> (z, W4, W4)"),
        ] {
            let [first, second, again] = runs(&nodes, true);
            assert_eq!(first, again, "{nodes}");
            assert_ne!(first, second, "{nodes}");
        }
        let [first, _, again] = runs(SCAN, false);
        assert_eq!(first, again);
    }

    #[test]
    fn the_initial_state_is_that_of_the_model() {
        let [sum, nines, _] = runs(SCAN, true);
        assert_eq!((sum, nines), (vec![-0.5, 5.0], vec![36.0, 36.0]));
    }

    /// Each step of the outer one begins the inner one anew.
    #[test]
    fn a_scan_in_a_scan_begins_with_each_step_of_it() {
        let inner = "s = Scan <num_scan_inputs = 1, body = inner (float[1,2] b, float[1,2] q) => (float[1,2] u) { u = Add (b, q) }> (zero, r)";
        let nodes = format!(
            "z = Unsqueeze (x, axis) y = Scan <num_scan_inputs = 1,
               body = step (float[1,2] a, float[4,1,2] r) => (float[1,2] t) {{ {inner} t = Add (a, s) }}> (zero, pair)"
        );
        // The sample twice: the sum of its rows, twice.
        let nodes = nodes.replace("z = Unsqueeze (x, axis)", "w = Transpose <perm = [1, 0, 2]> (x) both = Concat <axis = 0> (w, w) shape = Constant <value_ints = [2, 4, 1, 2]> () pair = Reshape (both, shape)");
        assert_eq!(runs(&nodes, true)[0], [-1.0, 10.0]);
    }
}
