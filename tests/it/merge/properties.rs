//! Random sums of branches of one input.

use super::{fold_and_merge, merge};
use crate::generate::{Builder, Numbers, Storage, attribute};
use crate::reference;
use crate::same::compare;
use bn_tool::onnx::element::FloatType;
use bn_tool::onnx::schema::{AttributeProto, ModelProto};
use ndarray::{ArrayD, IxDyn};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What all branches of a sum of convolutions have in common on one axis.
#[derive(Clone, Debug)]
struct Axis {
    stride: usize,
    dilation: usize,
    /// How much longer the output is than the input, at stride 1.
    growth: i64,
    /// Where the first tap lies, modulo the dilation.
    phase: usize,
    length: usize,
}

/// One summand.
#[derive(Clone, Debug)]
enum Branch {
    /// Taps and shift on each axis; bias; a BatchNormalization behind it.
    Conv(Vec<(usize, usize)>, bool, bool),
    Input,
    Norm,
    Factor,
    Constant,
    /// Not a branch of the input.
    Other,
}

#[derive(Clone, Debug)]
struct Recipe {
    axes: Vec<Axis>,
    group: usize,
    channels: [usize; 2],
    element: FloatType,
    /// What is summed, and whether it is subtracted.
    branches: Vec<(Branch, bool)>,
    seed: u64,
}

impl Recipe {
    /// Whether the input has the shape of the output.
    fn keeps_shape(&self) -> bool {
        self.channels[0] == self.channels[1] && self.axes.iter().all(|axis| axis.stride == 1 && axis.growth == 0)
    }

    fn shape(&self, output: bool) -> Vec<usize> {
        let length = |axis: &Axis| match output {
            true => (axis.length as i64 + axis.growth - 1) as usize / axis.stride + 1,
            false => axis.length,
        };
        let channels = self.group * self.channels[usize::from(!output)];
        [2, channels].into_iter().chain(self.axes.iter().map(length)).collect()
    }
}

/// Builds a model of a recipe.
struct Site<'a> {
    recipe: &'a Recipe,
    builder: Builder,
    numbers: Numbers,
}

impl Site<'_> {
    fn constant(&mut self, name: &str, shape: &[usize], low: f64) {
        let element = self.recipe.element;
        let values = self.numbers.uniform(shape.iter().product(), low, 1.0, element);
        self.builder.constant(name, element, shape, &values, Storage::Raw);
    }

    /// Adds a branch, and returns its value.
    fn branch(&mut self, index: usize, branch: &Branch) -> String {
        let name = format!("b{index}");
        let mut per_channel = vec![self.recipe.shape(true)[1]];
        per_channel.extend(self.recipe.axes.iter().map(|_| 1));
        match branch {
            Branch::Conv(taps, bias, norm) => return self.conv(&name, taps, *bias, *norm),
            Branch::Norm if self.recipe.keeps_shape() => self.norm("x", &name),
            Branch::Factor if self.recipe.keeps_shape() => {
                self.constant(&format!("{name}_f"), &per_channel, -1.0);
                self.builder.node("Mul", &["x", &format!("{name}_f")], &name, Vec::new());
            }
            Branch::Input if self.recipe.keeps_shape() => return "x".into(),
            Branch::Other => drop(self.builder.node("Neg", &["z"], &name, Vec::new())),
            _ => self.constant(&name, &per_channel, -1.0),
        }
        name
    }

    fn conv(&mut self, name: &str, taps: &[(usize, usize)], bias: bool, norm: bool) -> String {
        let recipe = self.recipe;
        let axes = recipe.axes.iter().zip(taps);
        let placed: Vec<[usize; 3]> = axes.map(|(axis, (taps, shift))| place(axis, *taps, *shift)).collect();
        let each = |at: usize| placed.iter().map(move |axis| axis[at]);
        let [weight, shift] = ["w", "b"].map(|what| format!("{name}_{what}"));
        let [rows, columns] = recipe.channels;
        self.constant(&weight, &[rows * recipe.group, columns].into_iter().chain(each(0)).collect::<Vec<_>>(), -1.0);
        let mut inputs = vec!["x", weight.as_str()];
        if bias {
            self.constant(&shift, &[rows * recipe.group], -1.0);
            inputs.push(&shift);
        }
        let all = |of: fn(&Axis) -> usize| recipe.axes.iter().map(of).collect::<Vec<_>>();
        let attributes = vec![
            AttributeProto::int("group", recipe.group as i64),
            attribute::ints("strides", &all(|axis| axis.stride)),
            attribute::ints("dilations", &all(|axis| axis.dilation)),
            attribute::ints("pads", &each(1).chain(each(2)).collect::<Vec<_>>()),
        ];
        self.builder.node("Conv", &inputs, name, attributes);
        if !norm {
            return name.into();
        }
        self.norm(name, &format!("{name}_n"));
        format!("{name}_n")
    }

    fn norm(&mut self, input: &str, name: &str) {
        let parameters = ["scale", "bias", "mean", "var"].map(|what| format!("{name}_{what}"));
        let channels = [self.recipe.shape(true)[1]];
        for (place, parameter) in parameters.iter().enumerate() {
            self.constant(parameter, &channels, if place == 3 { 0.25 } else { -1.0 });
        }
        let [scale, bias, mean, var] = parameters.each_ref().map(String::as_str);
        self.builder.node("BatchNormalization", &[input, scale, bias, mean, var], name, Vec::new());
    }
}

/// The taps on an axis, and the padding that gives all branches the same output; more taps, where
/// there are too few for it.
fn place(axis: &Axis, taps: usize, shift: usize) -> [usize; 3] {
    let begin = axis.phase % axis.dilation + shift * axis.dilation;
    let end = |taps: usize| axis.growth + ((taps - 1) * axis.dilation) as i64 - begin as i64;
    let taps = (taps..).find(|taps| end(*taps) >= 0).expect("with enough taps it is not negative");
    [taps, begin, end(taps) as usize]
}

/// The model, and its inputs.
fn build(recipe: &Recipe) -> (ModelProto, BTreeMap<String, ArrayD<f64>>) {
    let mut site = Site { recipe, builder: Builder::new(22), numbers: Numbers(recipe.seed) };
    let mut inputs = BTreeMap::new();
    for (name, shape) in [("x", recipe.shape(false)), ("z", recipe.shape(true))] {
        site.builder.input(name, recipe.element, &shape);
        let values = site.numbers.uniform(shape.iter().product(), -1.0, 1.0, recipe.element);
        inputs.insert(name.to_owned(), ArrayD::from_shape_vec(IxDyn(&shape), values).expect("as many"));
    }
    let mut sum = String::new();
    for (index, (branch, subtracted)) in recipe.branches.iter().enumerate() {
        let value = site.branch(index, branch);
        if index == 0 {
            sum = value;
            continue;
        }
        let next = format!("s{index}");
        // Sums grow to either side.
        let operands = if recipe.seed >> index & 1 == 0 { [&sum, &value] } else { [&value, &sum] };
        let op = if *subtracted { "Sub" } else { "Add" };
        site.builder.node(op, &operands.map(String::as_str), &next, Vec::new());
        sum = next;
    }
    site.builder.node("Relu", &[&sum], "y", Vec::new());
    (site.builder.model("y", recipe.element, recipe.axes.len() + 2, 8), inputs)
}

fn recipes() -> impl Strategy<Value = Recipe> {
    let axis = (1..=2usize, 1..=2usize, -2..=2i64, 0..=1usize, 3..=4usize)
        .prop_map(|(stride, dilation, growth, phase, length)| Axis { stride, dilation, growth, phase, length });
    // Half of them keep the shape, so that the input can be added.
    let axes = (vec(axis, 1..=3), any::<bool>()).prop_map(|(mut axes, same)| {
        axes.iter_mut().filter(|_| same).for_each(|axis| (axis.stride, axis.growth) = (1, 0));
        axes
    });
    let conv = (vec((1..=3usize, 0..=1usize), 3), any::<bool>(), prop::bool::weighted(0.2));
    let conv = || conv.clone().prop_map(|(taps, bias, norm)| Branch::Conv(taps, bias, norm));
    let other =
        prop::sample::select(vec![Branch::Input, Branch::Norm, Branch::Factor, Branch::Constant, Branch::Other]);
    let branches = vec((prop_oneof![2 => conv(), 1 => other], prop::bool::weighted(0.2)), 1..=5);
    let branches = (branches, conv()).prop_map(|(mut branches, conv)| {
        branches.push((conv, false));
        branches
    });
    let floats = prop::sample::select(vec![FloatType::F32, FloatType::F16, FloatType::Bf16, FloatType::F64]);
    let channels = (1..=2usize, 1..=2usize, any::<bool>()).prop_map(|(a, b, same)| if same { [a, a] } else { [a, b] });
    (axes, 1..=2usize, channels, floats, branches, any::<u64>()).prop_map(
        |(axes, group, channels, element, branches, seed)| Recipe { axes, group, channels, element, branches, seed },
    )
}

fn convs(model: &ModelProto) -> usize {
    let graph = model.graph.as_ref().expect("there is a graph");
    graph.node.iter().filter(|node| node.standard_op() == "Conv").count()
}

/// Whether two kernels have one tap each on an axis, at different places: these two may be the
/// only ones that a dilation of their own fits.
fn has_single_taps(recipe: &Recipe) -> bool {
    (0..recipe.axes.len()).any(|at| {
        let convs = recipe.branches.iter().filter_map(|(branch, _)| match branch {
            Branch::Conv(taps, ..) => Some(place(&recipe.axes[at], taps[at].0, taps[at].1)),
            _ => None,
        });
        convs.filter(|[taps, ..]| *taps == 1).count() > 1
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    /// Where nothing was folded before, each new number is rounded once.
    #[test]
    fn merging_changes_no_more_than_one_rounding(mut recipe in recipes()) {
        for (branch, _) in &mut recipe.branches {
            if let Branch::Conv(_, _, norm) = branch { *norm = false; }
        }
        let (model, inputs) = build(&recipe);
        let (merged, _) = merge(model.clone());
        compare(&model, &merged, &inputs).map_err(TestCaseError::fail)?;
    }

    /// A folded bias was rounded before it is merged; a folded weight was not.
    #[test]
    fn folding_and_merging_rounds_biases_twice_at_most(recipe in recipes()) {
        let (model, inputs) = build(&recipe);
        let (merged, _) = fold_and_merge(&model);
        let unit = recipe.element.unit_roundoff();
        let value = |model: &ModelProto| reference::evaluate(model, &inputs).map_err(TestCaseError::fail);
        let exact = reference::Constants::of(&model);
        let size = |model: &ModelProto, times| {
            reference::magnitude(model, &inputs, &exact, times).map_err(TestCaseError::fail)
        };
        let (before, after) = (value(&model)?, value(&merged)?);
        let (before, after) = (&before["y"], &after["y"]);
        let merged_size = &size(&merged, 0.0)?["y"];
        // Once more what the roundings of the result make, and those of a folded bias before it. Evaluation
        // in f64 errs, too.
        let rounding = &size(&merged, 1.0)?["y"] - merged_size;
        let bounds = rounding * 2.0 + (&size(&model, 0.0)?["y"] * unit + merged_size * unit) * 1.01
            + (&size(&model, 0.0)?["y"] + merged_size) * 1e-13;
        prop_assert!((before - after).iter().zip(&bounds).all(|(off, bound)| off.abs() <= *bound));
    }

    #[test]
    fn what_can_be_merged_is_merged(recipe in recipes()) {
        let (merged, report) = fold_and_merge(&build(&recipe).0);
        prop_assert!(has_single_taps(&recipe) || convs(&merged) == 1, "{report:?}");
    }

    #[test]
    fn merging_twice_is_merging_once(recipe in recipes()) {
        let (once, _) = fold_and_merge(&build(&recipe).0);
        let (twice, report) = merge(once.clone());
        prop_assert!(report.merges.is_empty() && twice == once, "{report:?}");
    }
}
