//! Which values are constant, and what they are.
//!
//! Constant are: an initializer that no caller can override, a `Constant` node in any of its
//! forms, a sparse initializer, and a pure function of constants. Exporters produce all of
//! them: PyTorch shares equal initializers through `Identity`, and writes a zero bias as
//! `Expand(CastLike(0, x), Shape(w))`.

mod dense;
mod evaluate;
mod node;
mod pick;

use super::shape::Facts;
use super::{Graph, NodeId, Origin, ValueId};
use crate::onnx::TensorError;
use crate::onnx::element::DataType;
use crate::onnx::element_count;
use crate::onnx::schema::{SparseTensorProto, TensorProto};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

pub use dense::Dense;
pub use evaluate::is_evaluable;

/// How deep a chain of nodes may be that computes a constant.
const DEPTH: usize = 64;
/// How many elements all computed constants of a model may have together: so many, and twice
/// those that are stored in it.
const ELEMENTS: usize = 1 << 24;

/// Why a value is not constant, or cannot be had.
#[derive(Clone, Debug, PartialEq)]
pub enum NotConstant {
    /// It depends on an input of the graph or function.
    Input(ValueId),
    /// It depends on an initializer that a caller can override.
    Overridable(ValueId),
    /// It depends on a node that is not evaluated here.
    Computed(NodeId),
    /// It is computed by a chain of too many nodes.
    TooDeep,
    /// It is constant, but malformed, too large, or stored elsewhere.
    Unreadable(String),
}

/// Where the elements of a constant are.
#[derive(Clone, Debug)]
pub enum Constant {
    /// In the tensor of an initializer or of a Constant node: the value that has it. The
    /// same value that was asked for, or one that reaches it through Identity.
    Stored(ValueId),
    /// Computed.
    Computed(Rc<Dense>),
}

/// Finds and evaluates constants; remembers what was computed.
pub struct Constants<'g> {
    graph: &'g Graph,
    known: RefCell<HashMap<ValueId, Result<Rc<Dense>, NotConstant>>>,
    elements_left: Cell<usize>,
    facts: OnceCell<Facts>,
}

impl<'g> Constants<'g> {
    /// The constants of a graph.
    pub fn new(graph: &'g Graph) -> Self {
        Constants {
            graph,
            known: RefCell::default(),
            elements_left: Cell::new(ELEMENTS + graph.stored_bytes() as usize),
            facts: OnceCell::new(),
        }
    }

    /// Types and shapes of all values, inferred when they are first needed.
    pub fn facts(&self) -> &Facts {
        self.facts.get_or_init(|| Facts::infer(self.graph))
    }

    /// Where the elements of `value` are, without reading them if they are stored.
    ///
    /// # Errors
    /// When the value is not constant, or cannot be computed.
    pub fn find(&self, value: ValueId) -> Result<Constant, NotConstant> {
        let mut at = value;
        for _ in 0..DEPTH {
            match self.graph.value(at).origin {
                Origin::Initializer { .. } if self.graph.is_overridable(at) => {
                    return Err(NotConstant::Overridable(at));
                }
                Origin::Initializer { .. } => return Ok(Constant::Stored(at)),
                Origin::Node(node, 0) if self.graph.op(node) == "Identity" => match self.graph.input(node, 0) {
                    Some(before) => at = before,
                    None => break,
                },
                Origin::Node(node, 0)
                    if self.graph.op(node) == "Constant" && self.graph.stored_tensor(at).is_some() =>
                {
                    return Ok(Constant::Stored(at));
                }
                _ => break,
            }
        }
        self.evaluate(value, 0).map(Constant::Computed)
    }

    /// The elements of `value`, in memory.
    ///
    /// # Errors
    /// When the value is not constant, or cannot be read or computed.
    pub fn dense(&self, value: ValueId) -> Result<Rc<Dense>, NotConstant> {
        self.evaluate(value, 0)
    }

    /// Element type and shape of `value`, without reading it if it is stored.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn type_and_shape(&self, value: ValueId) -> Result<(DataType, Vec<usize>), NotConstant> {
        match self.find(value)? {
            Constant::Computed(dense) => Ok((dense.element, dense.shape.clone())),
            Constant::Stored(home) => {
                let tensor = self.stored(home)?;
                let element = tensor.element().ok_or_else(|| unreadable(tensor, "an unknown element type"))?;
                Ok((element, tensor.shape().map_err(NotConstant::from)?))
            }
        }
    }

    /// The tensor behind a stored constant.
    ///
    /// # Errors
    /// When there is none.
    pub fn stored(&self, home: ValueId) -> Result<&'g TensorProto, NotConstant> {
        let missing = || NotConstant::Unreadable(format!("`{}` has no tensor", self.graph.name(home)));
        self.graph.stored_tensor(home).ok_or_else(missing)
    }

    fn evaluate(&self, value: ValueId, depth: usize) -> Result<Rc<Dense>, NotConstant> {
        if let Some(known) = self.known.borrow().get(&value) {
            return known.clone();
        }
        if depth > DEPTH {
            return Err(NotConstant::TooDeep);
        }
        if self.is_read_once(value) {
            return self.stored(value).and_then(|tensor| Ok(Rc::new(Dense::from_tensor(tensor)?)));
        }
        let result = self.compute(value, depth).map(Rc::new);
        // What is stored is mostly read once, and is large where it is all that a model has. How
        // deep a value is depends on where it was asked for.
        let is_stored = matches!(self.graph.value(value).origin, Origin::Initializer { .. });
        if !is_stored && result != Err(NotConstant::TooDeep) {
            self.known.borrow_mut().insert(value, result.clone());
        }
        result
    }

    /// Whether a value is an initializer with one reader. It need not be remembered, and as its
    /// elements are stored they are not more than there can be.
    fn is_read_once(&self, value: ValueId) -> bool {
        let data = self.graph.value(value);
        matches!(data.origin, Origin::Initializer { .. }) && data.uses.len() == 1 && !self.graph.is_overridable(value)
    }

    fn compute(&self, value: ValueId, depth: usize) -> Result<Dense, NotConstant> {
        match self.graph.value(value).origin {
            Origin::Initializer { .. } | Origin::Sparse { .. } if self.graph.is_overridable(value) => {
                Err(NotConstant::Overridable(value))
            }
            Origin::Initializer { .. } => self.read(self.stored(value)?),
            Origin::Sparse { index, .. } => {
                let scope = self.graph.scope(self.graph.value(value).scope);
                self.read_sparse(&scope.graph.sparse_initializer[index as usize])
            }
            Origin::Node(node, 0) => self.compute_node(node, depth),
            Origin::Node(node, _) => Err(NotConstant::Computed(node)),
            Origin::Input | Origin::Gone => Err(NotConstant::Input(value)),
        }
    }

    fn read(&self, tensor: &TensorProto) -> Result<Dense, NotConstant> {
        self.spend(tensor.shape()?.iter().product())?;
        Ok(Dense::from_tensor(tensor)?)
    }

    fn read_sparse(&self, tensor: &SparseTensorProto) -> Result<Dense, NotConstant> {
        self.spend(element_count(&tensor.dims).unwrap_or(usize::MAX))?;
        Ok(Dense::from_sparse(tensor)?)
    }

    /// Notes that a constant of so many elements is about to be made.
    fn spend(&self, elements: usize) -> Result<(), NotConstant> {
        let left = self.elements_left.get().checked_sub(elements);
        let too_large = || NotConstant::Unreadable("the constants to compute are too large".into());
        self.elements_left.set(left.ok_or_else(too_large)?);
        Ok(())
    }
}

impl From<TensorError> for NotConstant {
    fn from(error: TensorError) -> Self {
        NotConstant::Unreadable(error.to_string())
    }
}

fn unreadable(tensor: &TensorProto, what: &str) -> NotConstant {
    NotConstant::Unreadable(format!("tensor `{}` has {what}", crate::onnx::access::text(&tensor.name)))
}
