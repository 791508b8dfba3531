//! Constant nodes, and nodes whose inputs are constant.

use super::dense::UNKNOWN;
use super::{Constants, Dense, NotConstant, evaluate};
use crate::graph::shape::Length;
use crate::graph::{NodeId, Use, ValueId};
use crate::onnx::access::text;
use crate::onnx::element::DataType;
use crate::onnx::schema::AttributeProto;
use std::rc::Rc;

impl Constants<'_> {
    pub(super) fn compute_node(&self, node: NodeId, depth: usize) -> Result<Dense, NotConstant> {
        // What an attribute of the function around it is, each call says.
        if self.graph.proto(node).has_attribute_of_function() {
            return Err(NotConstant::Computed(node));
        }
        let op = self.graph.op(node).to_string();
        if op == "Constant" {
            return self.constant_node(node);
        }
        if !is_evaluable_here(&op) {
            return Err(NotConstant::Computed(node));
        }
        let inputs = self.inputs(node, depth)?;
        let opset = self.graph.opset(node);
        let failed = || NotConstant::Computed(node);
        let plan = evaluate::prepare(&op, self.graph.proto(node), &inputs, opset).ok_or_else(failed)?;
        self.spend(plan.elements())?;
        plan.run(&inputs).ok_or_else(failed)
    }

    /// The constant inputs. Of what only gives its shape or type, nothing else is read: it need
    /// not even be constant.
    fn inputs(&self, node: NodeId, depth: usize) -> Result<Vec<Option<Rc<Dense>>>, NotConstant> {
        let input = |slot: usize| {
            let Some(value) = self.graph.input(node, slot) else { return Ok(None) };
            if self.graph.reads_only_shape(Use { node, slot: slot as u32 }) {
                return self.outline(value).map(|outline| Some(Rc::new(outline)));
            }
            self.evaluate(value, depth + 1).map(Some)
        };
        (0..self.graph.node(node).inputs.len()).map(input).collect()
    }

    /// Type and shape of a value, without elements: of a constant, or of a value of which the
    /// graph tells the type. (`CastLike` needs no shape, and `Shape` is given none it could use.)
    fn outline(&self, value: ValueId) -> Result<Dense, NotConstant> {
        match self.type_and_shape(value) {
            Ok((element, shape)) => Ok(Dense { element, shape, values: vec![] }),
            Err(error) => {
                let facts = self.facts().of(self.graph, value);
                let shape = facts.shape.map(|axes| axes.into_iter().map(Length::known).collect::<Option<Vec<_>>>());
                match (facts.element, shape) {
                    (Some(element), Some(Some(shape))) => Ok(Dense { element, shape, values: vec![] }),
                    (Some(element), _) => Ok(Dense { element, shape: vec![UNKNOWN], values: vec![] }),
                    _ => Err(error),
                }
            }
        }
    }

    fn constant_node(&self, node: NodeId) -> Result<Dense, NotConstant> {
        let attributes = &self.graph.proto(node).attribute;
        let value = attributes.iter().find(|attribute| text(&attribute.name).starts_with(b"value"));
        let value = value.or_else(|| attributes.iter().find(|attribute| text(&attribute.name) == "sparse_value"));
        let Some(value) = value else { return Err(NotConstant::Computed(node)) };
        self.constant_attribute(value).unwrap_or(Err(NotConstant::Computed(node)))
    }

    fn constant_attribute(&self, value: &AttributeProto) -> Option<Result<Dense, NotConstant>> {
        let floats = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect();
        let ints = |values: &[i64]| values.iter().map(|value| *value as f64).collect();
        let dense = |element, shape, values| Some(Ok(Dense { element, shape, values }));
        match text(&value.name).to_string().as_str() {
            "value" => value.t.as_deref().map(|tensor| self.read(tensor)),
            "value_float" => dense(DataType::Float, vec![], floats(&[value.f.unwrap_or_default()])),
            "value_int" => dense(DataType::Int64, vec![], ints(&[value.i.unwrap_or_default()])),
            "value_floats" => dense(DataType::Float, vec![value.floats.len()], floats(&value.floats)),
            "value_ints" => dense(DataType::Int64, vec![value.ints.len()], ints(&value.ints)),
            "sparse_value" => {
                let sparse = value.sparse_tensor.as_deref()?;
                Some(self.read_sparse(sparse))
            }
            _ => None,
        }
    }
}

fn is_evaluable_here(op: &str) -> bool {
    evaluate::is_evaluable(op.into())
}
