//! What is inserted where, decided on the graph as it is.

use super::InsertError;
use super::form;
use super::layer::{self, Channels, Layer};
use super::normalized::{check_before, check_behind};
use super::options::{InsertOptions, Site};
use super::region::activation;
use crate::graph::constant::Constants;
use crate::graph::{Graph, NodeId, ScopeId, Use, ValueId};
use crate::onnx::element::{DataType, FloatType};
use crate::operator::Operator;
use crate::refusal::{Code, Refusal};
use crate::transform::readers::check_inside;
use crate::transform::selection::SelectionError;
use std::collections::HashMap;

/// All decisions, in graph order.
pub struct Plan {
    /// One per layer, or per input.
    pub decisions: Vec<Decision>,
}

/// What was decided about one layer or input.
pub struct Decision {
    /// Its name, or its first output if it has none.
    pub name: String,
    /// Its operator.
    pub operator: String,
    /// What is inserted, or why nothing is.
    pub outcome: Result<Insertion, Refusal>,
}

/// What is inserted for a layer.
pub enum Insertion {
    /// A BatchNormalization.
    New(Norm),
    /// It reads what is inserted by an earlier decision.
    Shared(usize),
}

/// A BatchNormalization to insert.
pub struct Norm {
    /// Where.
    pub place: Place,
    /// The scope that it is in.
    pub scope: ScopeId,
    /// The version of the operator set there.
    pub opset: i64,
    /// The type of what it normalises.
    pub element: FloatType,
    /// Its channels.
    pub channels: Channels,
    /// The first node of the activation behind it.
    pub activation: Option<String>,
}

/// A place in the graph.
pub enum Place {
    /// Behind the first output of a node, whoever reads it.
    Behind(NodeId),
    /// In front of these readers of a value.
    InFront(ValueId, Vec<Use>),
}

impl Plan {
    /// Decides about each layer or input.
    ///
    /// # Errors
    /// When a layer makes the model an invalid one, or a pattern matches nothing.
    pub fn new(graph: &Graph, options: &InsertOptions) -> Result<Plan, InsertError> {
        let constants = Constants::new(graph);
        let mut planner =
            Planner { graph, constants: &constants, options, shared: HashMap::new(), decisions: Vec::new() };
        match options.site {
            Site::Input => planner.plan_inputs(),
            _ => planner.plan_layers(),
        }
        let Planner { decisions, .. } = planner;
        let matched = options.selection.check_all_match(decisions.iter().map(|decision| &decision.name));
        matched.map_err(|error| match error {
            SelectionError::Unmatched { pattern } if options.site == Site::Input => InsertError::NoInput { pattern },
            SelectionError::Unmatched { pattern } => InsertError::NoLayer { pattern },
            error => InsertError::Selection(error),
        })?;
        for Decision { name, outcome, .. } in &decisions {
            if let Err(Refusal { code: Code::Malformed, detail, .. }) = outcome {
                return Err(InsertError::Invalid { node: name.clone(), detail: detail.clone() });
            }
        }
        Ok(Plan { decisions })
    }
}

struct Planner<'a> {
    graph: &'a Graph,
    constants: &'a Constants<'a>,
    options: &'a InsertOptions,
    /// Values in front of whose readers something is inserted, in which scope and along which axis,
    /// and by which decision.
    shared: HashMap<(ScopeId, ValueId, usize), usize>,
    decisions: Vec<Decision>,
}

impl Planner<'_> {
    fn plan_layers(&mut self) {
        for node in self.graph.nodes() {
            let op = Operator { graph: self.graph, constants: self.constants, node };
            let Some((kind, _)) = layer::kind(op.name()) else { continue };
            if self.options.takes(kind) {
                let (name, operator) = (self.graph.label(node), self.graph.op_label(node));
                let outcome = self.check_selected(&name).and_then(|()| self.layer(&op));
                self.decisions.push(Decision { name, operator, outcome });
            }
        }
    }

    fn check_selected(&self, name: &str) -> Result<(), Refusal> {
        match self.options.selection.contains(name) {
            true => Ok(()),
            false => Err(Refusal::new(Code::NotSelected, "it is not selected")),
        }
    }

    fn layer(&mut self, op: &Operator) -> Result<Insertion, Refusal> {
        let layer = layer::read(op)?;
        match self.options.site {
            Site::BeforeAffine => self.in_front_of(op, &layer),
            _ => self.behind(op, &layer),
        }
    }

    fn behind(&self, op: &Operator, layer: &Layer) -> Result<Insertion, Refusal> {
        let graph = self.graph;
        let is_first =
            |(_, channels): &&(NodeId, Option<Channels>)| channels.is_some_and(|channels| channels.axis == 1);
        // A Transpose behind the layer may bring the channels to axis 1.
        let (node, channels) = *layer.made.iter().find(is_first).unwrap_or(&layer.made[0]);
        let channels = self.channels(op, channels, "output")?;
        let value = first_output(op, node)?;
        let end = first_output(op, layer.made.last().map_or(node, |(node, _)| *node))?;
        let read_by = match self.options.site {
            Site::BeforeActivation => activation(op, end, channels.rank),
            _ => Ok(Vec::new()),
        };
        check_behind(op, value, read_by.as_deref().unwrap_or_default())?;
        let read_by = read_by?;
        match self.options.site {
            Site::BeforeActivation => check_inside(graph, end)?,
            _ => check_not_pinned(graph, value)?,
        }
        let activation = read_by.first().map(|node| format!("{} {}", graph.op_label(*node), graph.label(*node)));
        let norm = self.norm(op, Place::Behind(node), graph.node(node).scope, layer.element, channels)?;
        Ok(Insertion::New(Norm { activation, ..norm }))
    }

    fn in_front_of(&mut self, op: &Operator, layer: &Layer) -> Result<Insertion, Refusal> {
        let missing = || op.refuse(Code::Malformed, format!("{} has no input", op.label()));
        let value = op.input(layer.data).ok_or_else(missing)?;
        if op.is_constant(layer.data) {
            return Err(op.refuse(Code::ChannelAxis, format!("the input of {} is constant", op.label())));
        }
        let channels = self.channels(op, layer.input, "input")?;
        check_before(op, value)?;
        let scope = self.graph.node(op.node).scope;
        let own = Use { node: op.node, slot: layer.data as u32 };
        let norm = self.norm(op, Place::InFront(value, vec![own]), scope, layer.element, channels)?;
        let key = (scope, value, channels.axis);
        let Some(first) = self.shared.get(&key).copied() else {
            self.shared.insert(key, self.decisions.len());
            return Ok(Insertion::New(norm));
        };
        if let Some(Decision { outcome: Ok(Insertion::New(norm)), .. }) = self.decisions.get_mut(first)
            && let Place::InFront(_, readers) = &mut norm.place
        {
            readers.push(own);
        }
        Ok(Insertion::Shared(first))
    }

    /// The channels, if a BatchNormalization can have them.
    fn channels(&self, op: &Operator, channels: Option<Channels>, what: &str) -> Result<Channels, Refusal> {
        let refuse = |detail: String| Err(op.refuse(Code::ChannelAxis, detail));
        match channels {
            None => refuse(format!("the {what} of {} has no channels", op.label())),
            Some(Channels { rank: 0 | 1, .. }) => refuse(format!("the {what} of {} has no axis 1", op.label())),
            Some(channels) if channels.axis == 1 || self.options.transpose => Ok(channels),
            Some(Channels { axis, .. }) => refuse(format!(
                "the channels of {} are axis {axis} of its {what}, a BatchNormalization normalises axis 1 (see --transpose)",
                op.label()
            )),
        }
    }

    fn norm(
        &self,
        op: &Operator,
        place: Place,
        scope: ScopeId,
        element: FloatType,
        channels: Channels,
    ) -> Result<Norm, Refusal> {
        let opset = op.opset();
        self.check_operators(channels)?;
        check_type(element, opset)?;
        Ok(Norm { place, scope, opset, element, channels, activation: None })
    }

    /// Checks that the names of the new operators mean those operators.
    fn check_operators(&self, channels: Channels) -> Result<(), Refusal> {
        let mut needed = vec!["BatchNormalization"];
        needed.extend((channels.axis != 1).then_some("Transpose"));
        match needed.into_iter().find(|op| self.graph.is_overridden(op)) {
            None => Ok(()),
            Some(op) => {
                let detail = format!("a local function replaces the standard operator {op}");
                Err(Refusal::new(Code::NameClash, detail))
            }
        }
    }

    fn plan_inputs(&mut self) {
        for value in self.graph.main_inputs() {
            let name = self.graph.name(value).to_string();
            let outcome = self.check_selected(&name).and_then(|()| self.input(value));
            self.decisions.push(Decision { name, operator: "Input".into(), outcome });
        }
    }

    fn input(&self, value: ValueId) -> Result<Insertion, Refusal> {
        let graph = self.graph;
        let (element, channels) = self.of_input(value)?;
        let readers: Vec<Use> = graph.data_uses(value).collect();
        let unread = || Refusal::new(Code::NoActivation, format!("nothing reads `{}`", graph.name(value)));
        let first = readers.first().ok_or_else(unread)?;
        check_behind(&Operator { graph, constants: self.constants, node: first.node }, value, &[])?;
        let opset = graph.main_opset();
        self.check_operators(channels)?;
        check_type(element, opset)?;
        let scope = graph.value(value).scope;
        let place = Place::InFront(value, readers);
        Ok(Insertion::New(Norm { place, scope, opset, element, channels, activation: None }))
    }

    /// Type and channels of an input of the model.
    fn of_input(&self, value: ValueId) -> Result<(FloatType, Channels), Refusal> {
        let (graph, facts) = (self.graph, self.constants.facts());
        let name = graph.name(value);
        let refuse = |code, detail: String| Err(Refusal::new(code, detail));
        let known = facts.element(graph, value);
        let Some(element) = known.and_then(DataType::float) else {
            let known = known.map_or("no known type", DataType::name);
            return refuse(Code::UnsupportedType, format!("`{name}` is of {known}"));
        };
        let Some(axes) = facts.axes(graph, value) else {
            return refuse(Code::UnknownRank, format!("the rank of `{name}` is not known"));
        };
        match axes.get(1).map(|length| length.known()) {
            None => refuse(Code::ChannelAxis, format!("`{name}` has no axis 1")),
            Some(None) => refuse(Code::UnknownRank, format!("the length of axis 1 of `{name}` is not known")),
            Some(Some(count)) => Ok((element, Channels { axis: 1, count, rank: axes.len() })),
        }
    }
}

fn check_type(element: FloatType, opset: i64) -> Result<(), Refusal> {
    if form::takes(element, opset) {
        return Ok(());
    }
    let name = element.data_type().name();
    let detail = format!("the BatchNormalization of opset {opset} does not take {name} (since opset 14)");
    Err(Refusal::new(Code::UnsupportedType, detail))
}

fn first_output(op: &Operator, node: NodeId) -> Result<ValueId, Refusal> {
    let missing = || op.refuse(Code::Malformed, format!("{} has no output", op.label()));
    op.graph.output(node, 0).ok_or_else(missing)
}

/// A value that is named by training info or an annotation keeps its meaning.
fn check_not_pinned(graph: &Graph, value: ValueId) -> Result<(), Refusal> {
    if !graph.value(value).pinned {
        return Ok(());
    }
    let detail = format!("`{}` is named by training info or a quantisation annotation", graph.name(value));
    Err(Refusal::new(Code::OtherReader, detail))
}
