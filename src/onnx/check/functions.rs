//! Local functions: each defined once, none that calls itself.

use super::error::{CheckError, shown};
use super::names::Map;
use crate::onnx::access::{is_standard_domain, text};
use crate::onnx::schema::{FunctionProto, NodeProto};
use bstr::BStr;

/// Domain, name, overload.
type Key<'m> = (&'m BStr, &'m BStr, &'m BStr);

pub(super) fn check(functions: &[FunctionProto]) -> Result<(), CheckError> {
    let mut known: Map<Key, usize> = Map::default();
    for (index, function) in functions.iter().enumerate() {
        let key = key(text(&function.domain), text(&function.name), text(&function.overload));
        if key.1.is_empty() {
            return Err(CheckError::Unnamed { what: "a function".into() });
        }
        if known.insert(key, index).is_some() {
            return Err(CheckError::FunctionTwice { function: shown(key.1) });
        }
    }
    let called = functions.iter().map(|function| called(&function.node, &known)).collect::<Vec<_>>();
    match recursive(&called) {
        Some(index) => Err(CheckError::Recursion { function: shown(text(&functions[index].name)) }),
        None => Ok(()),
    }
}

fn key<'m>(domain: &'m BStr, name: &'m BStr, overload: &'m BStr) -> Key<'m> {
    (if is_standard_domain(domain) { BStr::new("") } else { domain }, name, overload)
}

/// The functions that nodes call, in subgraphs too.
fn called(nodes: &[NodeProto], known: &Map<Key, usize>) -> Vec<usize> {
    let mut found = Vec::new();
    let mut open = vec![nodes];
    while let Some(nodes) = open.pop() {
        for node in nodes {
            let key = key(text(&node.domain), text(&node.op_type), text(&node.overload));
            found.extend(known.get(&key).copied());
            open.extend(node.subgraphs().map(|graph| &graph.node[..]));
        }
    }
    found
}

/// A function that calls itself. What calls only what is finished is finished: what never is
/// goes round in circles.
fn recursive(called: &[Vec<usize>]) -> Option<usize> {
    let mut callers = vec![Vec::new(); called.len()];
    let mut waiting: Vec<usize> = called.iter().map(Vec::len).collect();
    for (caller, callees) in called.iter().enumerate() {
        callees.iter().for_each(|callee| callers[*callee].push(caller));
    }
    let mut finished: Vec<usize> = (0..called.len()).filter(|index| waiting[*index] == 0).collect();
    while let Some(done) = finished.pop() {
        for caller in &callers[done] {
            waiting[*caller] -= 1;
            if waiting[*caller] == 0 {
                finished.push(*caller);
            }
        }
    }
    on_circle(called, &waiting)
}

/// Follows the calls of a function that is not finished until one comes again.
fn on_circle(called: &[Vec<usize>], waiting: &[usize]) -> Option<usize> {
    let mut at = waiting.iter().position(|waiting| *waiting > 0)?;
    let mut seen = vec![false; called.len()];
    while !std::mem::replace(&mut seen[at], true) {
        at = called[at].iter().copied().find(|callee| waiting[*callee] > 0)?;
    }
    Some(at)
}
