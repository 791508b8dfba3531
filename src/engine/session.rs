//! A model, compiled for concrete input shapes.

use super::array::Array;
use super::constant::place;
use super::convert::{Converted, convert};
use super::error::{EngineError, one_line};
use super::guard::guarded;
use super::replace::replace;
use super::tap::{Taps, with_taps};
use super::{batch_norm, branch, check, gemm, pointwise, recurrent, resize};
use crate::onnx::element::FloatType;
use crate::onnx::schema::ModelProto;
use std::sync::Arc;
use tract_onnx::Onnx;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::model::IntoRunnable;
use tract_onnx::tract_hir::internal::{InferenceModelExt, ensure};

/// `optimize` takes time quadratic in the length of a chain of nodes; above this many, running
/// unoptimised is faster than waiting for it.
const MOST_NODES_TO_OPTIMISE: usize = 3000;

/// A compiled model. Shared by worker threads, each of which runs it through its own
/// [`Worker`].
#[derive(Clone, Debug)]
pub struct Session {
    pub(super) plan: Arc<TypedRunnableModel>,
    floor: Option<FloatType>,
}

/// One thread's state of a session.
pub struct Worker {
    pub(super) state: TypedSimpleState,
    floor: Option<FloatType>,
}

impl Session {
    /// Compiles a model for [`required_inputs`](super::required_inputs) of these shapes. Floats narrower than `floor`
    /// are widened to it, in the weights and in all arithmetic.
    ///
    /// # Errors
    /// When an operator is not supported, a weight overflows, the graph is malformed, or the
    /// engine refuses it or panics.
    pub fn compile(
        model: &ModelProto,
        shapes: &[Vec<usize>],
        floor: Option<FloatType>,
    ) -> Result<Session, EngineError> {
        let onnx = onnx();
        check::check(model, &|operator| has(&onnx, operator))?;
        let converted = convert(model, shapes, floor)?;
        let plan = engine("prepare", || prepare(&onnx, converted))?;
        Ok(Session { plan, floor })
    }

    /// The operators that it is made of, for tests.
    #[cfg(test)]
    pub(super) fn operators(&self) -> String {
        self.plan.model().nodes().iter().map(|node| format!("{} ", node.op.name())).collect()
    }

    /// A state to run the session with.
    ///
    /// # Errors
    /// When the engine fails to set it up.
    pub fn worker(&self) -> Result<Worker, EngineError> {
        let state = engine("prepare", || self.plan.spawn())?;
        Ok(Worker { state, floor: self.floor })
    }
}

impl Worker {
    /// As [`run`](Self::run), with these taps at the numbered BatchNormalizations.
    ///
    /// # Errors
    /// Those of [`run`](Self::run).
    pub fn run_tapped(&mut self, inputs: &[Array], taps: &mut Taps) -> Result<Vec<Array>, EngineError> {
        with_taps(taps, || self.run(inputs))
    }

    /// Runs the model on its required inputs, in their order; returns its outputs.
    ///
    /// # Errors
    /// When the engine fails or panics.
    pub fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>, EngineError> {
        engine("run", || {
            let tensors = self.tensors(inputs)?;
            self.state.run(tensors)?.iter().map(|output| Array::from_tract(output)).collect()
        })
    }

    /// The inputs as tract wants them, widened to the floor.
    pub(super) fn tensors(&self, inputs: &[Array]) -> TractResult<TVec<TValue>> {
        let tensors = inputs.iter().map(|input| {
            let floor = self.floor.filter(|floor| input.element().float().is_some_and(|own| own.size() < floor.size()));
            Ok(floor.map_or_else(|| input.to_tract(), |floor| input.cast(floor).to_tract())?.into_tvalue())
        });
        tensors.collect()
    }
}

/// Whether tract has an operator of the standard domain.
pub(super) fn has(onnx: &Onnx, operator: &str) -> bool {
    onnx.op_register.0.contains_key(operator)
}

/// tract with our own operators in place of those that it runs wrong, or not in f64.
pub(super) fn onnx() -> Onnx {
    let mut onnx = tract_onnx::onnx().with_ignore_value_info(true);
    onnx.op_register.insert("BatchNormalization", batch_norm::build);
    onnx.op_register.insert("Gemm", gemm::build);
    if let Some(of_tract) = onnx.op_register.0.get("If").copied() {
        onnx.op_register.insert(branch::OF_TRACT, of_tract);
        onnx.op_register.insert("If", branch::build);
    }
    if let Some(of_tract) = onnx.op_register.0.get("Resize").copied() {
        onnx.op_register.insert(resize::OF_TRACT, of_tract);
        onnx.op_register.insert("Resize", resize::build);
        onnx.op_register.insert("Upsample", resize::build);
    }
    for operator in pointwise::OPERATORS {
        onnx.op_register.insert(operator, pointwise::build);
    }
    onnx
}

/// Without tract's `declutter`, which folds what shall be compared and miscompiles `k − Conv`.
fn prepare(onnx: &Onnx, Converted { model, constants }: Converted) -> TractResult<Arc<TypedRunnableModel>> {
    let mut parsed = onnx.parse(&model, None)?;
    drop(model);
    ensure!(parsed.unresolved_inputs.is_empty(), "values that nothing makes: {:?}", parsed.unresolved_inputs);
    place(&mut parsed.model, constants)?;
    let mut typed = parsed.model.into_typed()?;
    recurrent::begin_anew(&mut typed);
    replace(&mut typed)?;
    if typed.nodes().len() <= MOST_NODES_TO_OPTIMISE {
        typed.optimize()?;
    }
    typed.into_runnable()
}

/// Calls the engine; its errors and panics become ours.
pub(super) fn engine<T>(stage: &'static str, call: impl FnOnce() -> TractResult<T>) -> Result<T, EngineError> {
    match guarded(call) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(EngineError::Engine { stage, cause: one_line(&format!("{error:#}")) }),
        Err(cause) => Err(EngineError::Crash { stage, cause }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::{ints, model, node, value};
    use crate::onnx::element::{DataType, Scaling};
    use crate::onnx::payload::{Payload, Scaled};
    use crate::onnx::schema::{AttributeProto, FunctionProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};

    fn square(nodes: Vec<NodeProto>, outputs: &str) -> ModelProto {
        model(17, (DataType::Float, &["1", "2", "4", "4"]), vec![], nodes, outputs)
    }

    fn x() -> Array {
        Array::floats(FloatType::F32, vec![1, 2, 4, 4], &[1.5; 32]).expect("consistent")
    }

    fn run(model: &ModelProto, floor: Option<FloatType>) -> Result<Vec<Array>, EngineError> {
        let shape = x().shape().to_vec();
        Session::compile(model, &[shape], floor)?.worker()?.run(&[x()])
    }

    fn error(model: &ModelProto) -> String {
        run(model, None).expect_err("refused").to_string()
    }

    #[test]
    fn all_unsupported_operators_are_listed() {
        let mut foreign = node("Conv", "x", "a", vec![]);
        foreign.domain = Some("com.acme".into());
        let nodes = vec![foreign, node("Frobnicate", "a", "b", vec![]), node("Relu", "b", "y", vec![])];
        let listed = "unsupported operator com.acme::Conv (node `a`), Frobnicate (node `b`)";
        assert_eq!(error(&square(nodes, "y")), listed);
    }

    #[test]
    fn a_local_function_is_not_the_operator_of_that_name() {
        let mut model = square(vec![node("Relu", "x", "y", vec![])], "y");
        model.functions = vec![FunctionProto { name: Some("Relu".into()), ..Default::default() }];
        assert_eq!(error(&model), "unsupported operator Relu (node `y`)");
    }

    #[test]
    fn the_standard_domain_has_two_names() {
        let mut relu = node("Relu", "x", "y", vec![]);
        relu.domain = Some("ai.onnx".into());
        assert_eq!(run(&square(vec![relu], "y"), None).expect("runs")[0].values(), [1.5; 32]);
    }

    #[test]
    fn graphs_that_are_none_are_refused() {
        let cycle = vec![node("Relu", "b", "a", vec![]), node("Relu", "a", "b", vec![])];
        assert!(error(&square(cycle, "b")).contains("node `a` (Relu) reads `b` before it is made"));
        let twice = vec![node("Relu", "x", "a", vec![]), node("Neg", "x", "a", vec![])];
        assert!(error(&square(twice, "a")).contains("`a` is made twice"));
        let nothing = square(vec![node("Relu", "x", "y", vec![])], "z");
        assert!(error(&nothing).contains("reads `z`, which no node"));
    }

    #[test]
    fn attributes_that_exhaust_the_memory_are_refused() {
        for (operator, attribute) in [
            ("Transpose", ints("perm", &[0, 0, 0, 0])),
            ("Transpose", ints("perm", &[0, 1, 2, 4])),
            ("MaxPool", ints("pads", &[1 << 20, 0, 0, 0])),
            ("MaxPool", ints("pads", &[i64::MIN, 0, 0, 0])),
            ("MaxPool", ints("pads", &[0x7fff, 0x7fff, 0, 0])),
            ("MaxPool", ints("kernel_shape", &[0, 2])),
            ("MaxPool", ints("strides", &[2, 0])),
        ] {
            let nodes = vec![node(operator, "x", "y", vec![attribute])];
            assert!(error(&square(nodes, "y")).starts_with(&format!("node `y` ({operator}): ")));
        }
    }

    #[test]
    fn panics_are_errors() {
        let weight = TensorProto::floats("w", FloatType::F32, &[1, 1, 1, 1], &[1.0]);
        let mut conv =
            model(17, (DataType::Float, &["4", "8"]), vec![weight], vec![node("Conv", "x w", "y", vec![])], "y");
        let compiled = Session::compile(&conv, &[vec![4, 8]], None).expect_err("a rank that Conv does not take");
        assert!(!compiled.is_final(), "{compiled}");
        conv.graph.as_mut().expect("there is one").node =
            vec![node("Flatten", "x", "y", vec![AttributeProto::int("axis", 9)])];
        assert!(Session::compile(&conv, &[vec![4, 8]], None).is_err());
    }

    #[test]
    fn constants_that_contradict_themselves_are_refused() {
        let mut weight = TensorProto::floats("w", FloatType::F32, &[2], &[1.0, 2.0]);
        weight.dims = vec![3].into();
        let mut model = square(vec![node("Add", "x w", "y", vec![])], "y");
        model.graph.as_mut().expect("there is one").initializer = vec![weight];
        assert!(error(&model).contains("tensor `w` is malformed: its data does not match its shape"));
    }

    #[test]
    fn a_weight_that_overflows_is_told_from_other_errors() {
        let scaled = Scaled {
            tag: 0,
            tensor: "w".into(),
            source: FloatType::F32.encode(&[1e30]).into(),
            element: FloatType::F32,
            scalings: vec![Scaling { view: [1, 1, 1, 1], factors: [1e30].into() }],
        };
        let mut weight = TensorProto::floats("w", FloatType::F32, &[1], &[0.0]);
        weight.set_elements(Payload::Scaled(Arc::new(scaled)));
        let mut model = square(vec![node("Add", "x w", "y", vec![])], "y");
        model.graph.as_mut().expect("there is one").initializer = vec![weight];
        assert!(matches!(run(&model, None), Err(EngineError::Overflow(overflow)) if overflow.tensor == "w"));
    }

    #[test]
    fn a_chain_too_long_to_optimise_runs() {
        let name = |index| if index == 0 { "x".into() } else { format!("v{index}") };
        let nodes = (0..3100).map(|index| node("Relu", &name(index), &name(index + 1), vec![])).collect();
        assert_eq!(run(&square(nodes, "v3100"), None).expect("runs")[0].values(), [1.5; 32]);
    }

    fn attribute(name: &str, graph: GraphProto) -> AttributeProto {
        AttributeProto { name: Some(name.into()), g: Some(Box::new(graph)), r#type: Some(5), ..Default::default() }
    }

    /// A graph without inputs that returns `r`.
    fn branch(nodes: Vec<NodeProto>, initializer: Vec<TensorProto>) -> GraphProto {
        let output = vec![ValueInfoProto { name: Some("r".into()), ..Default::default() }];
        GraphProto { node: nodes, initializer, output, ..Default::default() }
    }

    fn run_branches(mut model: ModelProto, floor: FloatType, which: bool) -> Vec<f64> {
        model.graph.as_mut().expect("there is one").input.push(value("which", DataType::Bool, &[]));
        let which = Array::new(DataType::Bool, vec![], vec![which.into()]).expect("consistent");
        let session = Session::compile(&model, &[vec![1, 2, 4, 4], vec![]], Some(floor)).expect("compiles");
        session.worker().expect("starts").run(&[x(), which]).expect("runs")[0].values()
    }

    #[test]
    fn branches_see_outer_values_and_are_widened() {
        let constant = TensorProto::floats("c", FloatType::F32, &[1], &[0.1]);
        let branch = |operator: &str| branch(vec![node(operator, "x c", "r", vec![])], vec![constant.clone()]);
        let branches = vec![attribute("then_branch", branch("Mul")), attribute("else_branch", branch("Add"))];
        let y = run_branches(square(vec![node("If", "which", "y", branches)], "y"), FloatType::F64, true);
        assert_eq!(y, [1.5 * f64::from(0.1f32); 32]);
    }

    #[test]
    fn a_graph_may_branch_many_times() {
        let choice = |from: &str, to: &str| {
            let branch = |operator: &str| branch(vec![node(operator, &format!("{from} {from}"), "r", vec![])], vec![]);
            let branches = vec![attribute("then_branch", branch("Add")), attribute("else_branch", branch("Mul"))];
            node("If", "which", to, branches)
        };
        let mut first = choice("x", "a");
        first.name = Some("If".into());
        let model = || square(vec![first.clone(), choice("a", "b"), choice("b", "y")], "y");
        assert_eq!(run_branches(model(), FloatType::F32, true), [12.0; 32]);
        assert_eq!(run_branches(model(), FloatType::F64, false), [1.5f64.powi(8); 32]);
    }
}
