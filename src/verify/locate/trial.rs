//! Running both models up to some values, and judging these.

use super::candidates::Pair;
use super::cut::cut;
use super::location::{Algebra, Statistics, ValueDifference, WorstElement};
use super::skeleton::Skeleton;
use crate::engine::{Array, EngineError, Runtime, Session, lowest_float};
use crate::onnx::element::FloatType;
use crate::onnx::schema::ModelProto;
use crate::verify::VerifyOptions;
use crate::verify::judge::Judge;
use crate::verify::report::OutputReport;
use crate::verify::signature::Port;
use crate::verify::tolerance::Tolerance;
use std::thread;

/// How a pair of values compares.
pub enum Finding {
    /// They are the same.
    Same {
        /// The largest difference, relative to the largest element.
        max_rel: f64,
        /// The same in f64.
        f64: Option<f64>,
    },
    /// They differ.
    Differs(Box<Evidence>),
}

/// What there is to say of two values that differ.
#[derive(Clone)]
pub struct Evidence {
    /// Of original and result.
    pub statistics: [Statistics; 2],
    /// Nothing if they cannot be compared.
    pub difference: Option<ValueDifference>,
}

/// Why values could not be computed: by the original, or by the result.
pub enum Failure {
    Original(EngineError),
    Result(EngineError),
}

/// Two models and one sample, in one engine.
pub struct Trial<'x, 'm> {
    runtime: &'x Runtime,
    models: [&'m ModelProto; 2],
    graphs: [&'x Skeleton<'m>; 2],
    inputs: &'x [Array],
    options: &'x VerifyOptions,
    weights: Option<FloatType>,
    /// Whether f64 says more than what the models compute in.
    exact: bool,
}

/// Values as one model computes them, and in f64.
struct Values {
    native: Vec<Array>,
    exact: Option<Vec<Array>>,
}

impl<'x, 'm> Trial<'x, 'm> {
    pub fn new(
        runtime: &'x Runtime,
        models: [&'m ModelProto; 2],
        graphs: [&'x Skeleton<'m>; 2],
        inputs: &'x [Array],
        options: &'x VerifyOptions,
    ) -> Self {
        let weights = lowest_float(models[0]);
        // tract alone runs models in f64, and its figures say nothing of another engine's.
        let is_tract = matches!(runtime, Runtime::Tract);
        let exact = is_tract && weights.is_some_and(|float| float != FloatType::F64);
        Trial { runtime, models, graphs, inputs, options, weights, exact }
    }

    /// Computes and judges some pairs at once.
    pub fn run(&self, pairs: &[Pair]) -> Result<Vec<Finding>, Failure> {
        let [original, result] = thread::scope(|scope| {
            let elsewhere = (self.options.threads != 1)
                .then(|| thread::Builder::new().spawn_scoped(scope, || self.values(1, pairs)).ok())
                .flatten();
            let original = self.values(0, pairs);
            let died = |_| Err(EngineError::Graph { what: "a thread died".into() });
            let result = elsewhere.map_or_else(|| self.values(1, pairs), |thread| thread.join().unwrap_or_else(died));
            [original, result]
        });
        let (a, b) = (original.map_err(Failure::Original)?, result.map_err(Failure::Result)?);
        let exact = a.exact.as_ref().zip(b.exact.as_ref());
        let findings = a.native.iter().zip(&b.native).enumerate().map(|(place, (p, q))| {
            let exact = exact.and_then(|(a, b)| Some([a.get(place)?, b.get(place)?]));
            self.judge(self.output(pairs[place]), [p, q], exact)
        });
        Ok(findings.collect())
    }

    /// The values of one of the models.
    fn values(&self, side: usize, pairs: &[Pair]) -> Result<Values, EngineError> {
        let graph = self.graphs[side];
        let outputs: Vec<_> = pairs.iter().map(|pair| pair[side]).collect();
        let part = cut(self.models[side], graph, &graph.inputs, &outputs);
        let shapes: Vec<_> = self.inputs.iter().map(|input| input.shape().to_vec()).collect();
        let native = self.runtime.compile(&part, &shapes)?.runner()?.run(self.inputs)?;
        let run_exactly = || Session::compile(&part, &shapes, Some(FloatType::F64))?.worker()?.run(self.inputs);
        Ok(Values { native, exact: self.exact.then(|| run_exactly().ok()).flatten() })
    }

    /// The name of a pair of outputs, which may have a tolerance of its own; of others, nothing.
    fn output(&self, [original, _]: Pair) -> String {
        let graph = self.graphs[0];
        let is_output = graph.outputs.contains(&original);
        if is_output { graph.name(original).to_string() } else { String::new() }
    }

    fn judge(&self, name: String, [original, result]: [&Array; 2], exact: Option<[&Array; 2]>) -> Finding {
        let differs = |difference| {
            let statistics = [original, result].map(Statistics::of);
            Finding::Differs(Box::new(Evidence { statistics, difference }))
        };
        let are_floats = [original, result].map(|array| array.element().float().is_some());
        if original.shape() != result.shape() || are_floats[0] != are_floats[1] {
            return differs(None);
        }
        let weights = self.weights.filter(|_| are_floats[0]);
        let tolerance = Tolerance::new(weights, &name, self.options);
        let judge = Judge { port: Port { name: name.into(), element: None, axes: None }, tolerance };
        // The shapes are the same, so that there is a report.
        let compared = judge.compare(0, [original, result]).map(|mut found| {
            if let Some(distances) = exact.and_then(|exact| judge.exact([original, result], exact)) {
                found.add_exact(distances);
            }
            judge.report(&found, exact.is_some())
        });
        match compared {
            Ok(report) if report.same => {
                Finding::Same { max_rel: report.max_rel, f64: report.f64.map(|f64| f64.algebra_error) }
            }
            Ok(report) => differs(Some(difference(report))),
            Err(_) => differs(None),
        }
    }
}

fn difference(report: OutputReport) -> ValueDifference {
    ValueDifference {
        max_abs: report.max_abs,
        max_rel: report.max_rel,
        mismatched: report.mismatched,
        atol: report.atol,
        rtol: report.rtol,
        worst: report.worst.map(|worst| WorstElement {
            index: worst.index,
            original: worst.original,
            result: worst.result,
        }),
        f64: report.f64.map(|f64| Algebra { error: f64.algebra_error, limit: f64.limit }),
    }
}
