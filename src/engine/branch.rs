//! If, as often as a graph likes: tract gives the typed form of each the same name, and then
//! refuses the second.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// Under which name tract's own builder is kept.
pub const OF_TRACT: &str = "If of tract";

/// The name that tract gives to each, and its constant outputs begin with: no other node may have it.
pub const NAME: &str = "If";

/// Reads the node; the builder that tract wants.
pub fn build(context: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let of_tract = context.framework.op_register.0.get(OF_TRACT).context("no If")?;
    let (branch, captured) = of_tract(context, node)?;
    Ok((Box::new(If(branch)), captured))
}

/// tract's own, and a name for it.
#[derive(Clone, Debug)]
struct If(Box<dyn InferenceOp>);

impl PartialEq for If {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

impl Eq for If {}

impl Op for If {
    fn name(&self) -> StaticName {
        NAME.into()
    }

    not_a_typed_op!();
}

impl EvalOp for If {
    fn eval_out_of_plan(&self, inputs: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        self.0.eval_out_of_plan(inputs)
    }
}

impl InferenceOp for If {
    fn infer_facts(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(TVec<InferenceFact>, TVec<InferenceFact>, TVec<InferenceFact>)> {
        self.0.infer_facts(inputs, outputs, observed)
    }

    fn nboutputs(&self) -> TractResult<usize> {
        self.0.nboutputs()
    }

    fn to_typed(
        &self,
        source: &InferenceModel,
        node: &InferenceNode,
        target: &mut TypedModel,
        mapping: &HashMap<OutletId, OutletId>,
    ) -> TractResult<TVec<OutletId>> {
        let outlets = self.0.to_typed(source, node, target, mapping)?;
        for outlet in &outlets {
            let typed = target.node_mut(outlet.node);
            // Equal constants are one, which may have a name of its own already.
            if let Some(number) = typed.name.strip_prefix(NAME).filter(|rest| rest.is_empty() || rest.starts_with('.'))
            {
                typed.name = format!("{}{number}", node.name);
            }
        }
        Ok(outlets)
    }

    as_op!();
}
