//! Attributes: once each, one value each, of the type that is declared.

use super::error::{AttributeProblem, CheckError, shown};
use super::names::Map;
use super::{sparse, tensor};
use crate::onnx::access::text;
use crate::onnx::schema::AttributeProto;
use bstr::BStr;

/// What attributes can hold, by the code of `AttributeProto.AttributeType`.
const TYPES: [&str; 15] = [
    "nothing",
    "a float",
    "an integer",
    "a string",
    "a tensor",
    "a graph",
    "floats",
    "integers",
    "strings",
    "tensors",
    "graphs",
    "a sparse tensor",
    "sparse tensors",
    "a type",
    "types",
];

/// More attributes than this are compared by way of a map.
const FEW: usize = 16;

/// Checks the attributes of a node or function.
pub(super) fn check(
    attributes: &[AttributeProto],
    in_function: bool,
    owner: &dyn Fn() -> String,
) -> Result<(), CheckError> {
    let wrong = |attribute: &AttributeProto, problem| CheckError::Attribute {
        owner: owner(),
        attribute: shown(text(&attribute.name)),
        problem,
    };
    for attribute in attributes {
        if text(&attribute.name).is_empty() {
            return Err(CheckError::Unnamed { what: format!("an attribute of {}", owner()) });
        }
        value(attribute, in_function).map_err(|problem| wrong(attribute, problem))?;
        tensors(attribute, owner)?;
    }
    match repeated(attributes) {
        Some(attribute) => Err(wrong(attribute, AttributeProblem::Twice)),
        None => Ok(()),
    }
}

/// The first attribute whose name another one before it has.
fn repeated(attributes: &[AttributeProto]) -> Option<&AttributeProto> {
    if attributes.len() > FEW {
        let mut seen: Map<&BStr, ()> = Map::default();
        return attributes.iter().find(|attribute| seen.insert(text(&attribute.name), ()).is_some());
    }
    let is_repeated = |(index, attribute): &(usize, &AttributeProto)| {
        attributes[..*index].iter().any(|before| before.name == attribute.name)
    };
    attributes.iter().enumerate().find(is_repeated).map(|(_, attribute)| attribute)
}

fn value(attribute: &AttributeProto, in_function: bool) -> Result<(), AttributeProblem> {
    let is_reference = attribute.is_reference();
    if is_reference && !in_function {
        return Err(AttributeProblem::Reference);
    }
    let code = attribute.r#type.unwrap_or(0);
    let name = |code: i32| usize::try_from(code).ok().and_then(|code| TYPES.get(code)).copied();
    let declared = name(code).ok_or(AttributeProblem::UnknownType(code))?;
    let mut others = attribute.value_types().filter(|found| *found != code && !attribute.is_default(*found));
    match (code, others.next(), others.next()) {
        (0, Some(first), Some(second)) => {
            Err(AttributeProblem::Ambiguous(TYPES[first as usize], TYPES[second as usize]))
        }
        (1.., Some(found), _) => Err(AttributeProblem::Mismatch { declared, found: TYPES[found as usize] }),
        (4 | 5 | 11 | 13, ..) if !is_reference && attribute.value_types().next().is_none() => {
            Err(AttributeProblem::NoValue(declared))
        }
        _ => Ok(()),
    }
}

/// Checks the tensors in an attribute.
fn tensors(attribute: &AttributeProto, owner: &dyn Fn() -> String) -> Result<(), CheckError> {
    let place = || format!("tensor in attribute `{}` of {}", shown(text(&attribute.name)), owner());
    for dense in attribute.t.as_deref().into_iter().chain(&attribute.tensors) {
        tensor::check(dense).map_err(|problem| CheckError::Tensor { tensor: place(), problem })?;
    }
    for sparse in attribute.sparse_tensor.as_deref().into_iter().chain(&attribute.sparse_tensors) {
        sparse::check(sparse).map_err(|problem| CheckError::Sparse { tensor: place(), problem })?;
    }
    Ok(())
}
