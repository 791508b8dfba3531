//! Which copies are of use, and the model with these and no others.

use super::bind::is_bound;
use super::functions::{Key, called, each_node};
use super::{SpecializeError, Specialized, Specializer};
use crate::graph::{Graph, GraphError, NodeId};
use crate::onnx::access::text;
use crate::onnx::check_saves;
use crate::onnx::payload::Overflow;
use crate::onnx::schema::{FunctionProto, ModelProto};
use crate::transform::fold::{FoldOptions, Folded, fold_checked};
use bstr::{BStr, BString, ByteSlice};
use std::collections::HashMap;

/// For each copy, whether more is folded in it than in the function, or in a copy that it calls.
/// The model is folded to see.
pub fn useful(
    model: &ModelProto,
    specializer: &Specializer,
    options: &FoldOptions,
) -> Result<Vec<bool>, SpecializeError> {
    let attempt = |folded: &Folded| Ok(check_saves(&folded.model).map(|_| ())?);
    let (folded, ()) = fold_checked(model, options.clone(), attempt, overflow)?;
    // Originals come first, then the copies in the order in which they were made.
    let left: Vec<usize> = folded.model.functions.iter().map(norms).collect();
    let first = left.len() - specializer.copies.len();
    let copies = specializer.copies.iter().enumerate();
    let mut useful: Vec<bool> = copies.map(|(at, copy)| left[first + at] < left[copy.original]).collect();
    spread(&model.functions[first..], &mut useful);
    Ok(useful)
}

fn overflow(error: &SpecializeError) -> Option<Overflow> {
    match error {
        SpecializeError::Save(error) => error.overflow().cloned(),
        SpecializeError::Fold(_) => None,
    }
}

/// How many BatchNormalizations are in a function.
fn norms(function: &FunctionProto) -> usize {
    let mut count = 0;
    each_node(&function.node, |node| count += usize::from(node.standard_op() == "BatchNormalization"));
    count
}

/// What calls a useful copy is of use itself.
fn spread(copies: &[FunctionProto], useful: &mut [bool]) {
    let index: HashMap<&BStr, usize> = copies.iter().enumerate().map(|(at, copy)| (text(&copy.name), at)).collect();
    let mut callers = vec![Vec::new(); copies.len()];
    for (caller, copy) in copies.iter().enumerate() {
        each_node(&copy.node, |node| {
            index.get(text(&node.op_type)).into_iter().for_each(|callee| callers[*callee].push(caller));
        });
    }
    let mut open: Vec<usize> = (0..useful.len()).filter(|at| useful[*at]).collect();
    while let Some(callee) = open.pop() {
        for caller in &callers[callee] {
            if !std::mem::replace(&mut useful[*caller], true) {
                open.push(*caller);
            }
        }
    }
}

/// Lets calls of useful copies pass only what is left to pass, and the others call what they
/// called; then removes what nobody reads or calls any more.
pub fn finish(model: ModelProto, mut specializer: Specializer, useful: &[bool]) -> Result<Specialized, GraphError> {
    let names = new_names(&mut specializer, useful);
    let copies = specializer.copies.iter().enumerate();
    let index: HashMap<&BStr, usize> = copies.map(|(at, copy)| (copy.name.as_bstr(), at)).collect();
    let mut graph = Graph::new(model)?;
    let nodes: Vec<NodeId> = graph.nodes().collect();
    for node in nodes {
        let Some(at) = index.get(text(&graph.proto(node).op_type)).copied() else { continue };
        let copy = &specializer.copies[at];
        let function = specializer.functions.get(copy.original);
        let Some(name) = &names[at] else {
            graph.rename_op(node, text(&function.name).to_owned());
            continue;
        };
        graph.rename_op(node, name.clone());
        graph.remove_inputs(node, |slot| copy.bound.get(slot).copied().unwrap_or(false));
        graph.retain_attributes(node, |given| !is_bound(function, given));
    }
    graph.sweep_released();
    let mut model = graph.into_model();
    let first = model.functions.len() - names.len();
    for (copy, name) in model.functions[first..].iter_mut().zip(names) {
        // One of no use loses its name, which another one may have got: nobody calls it.
        copy.name = name;
    }
    Ok(without_uncalled(model, &specializer))
}

/// New names for the useful copies, without the gaps that the others leave.
fn new_names(specializer: &mut Specializer, useful: &[bool]) -> Vec<Option<BString>> {
    let Specializer { functions, copies, .. } = specializer;
    functions.release(copies.iter().map(|copy| &copy.name));
    copies.iter().zip(useful).map(|(copy, useful)| useful.then(|| functions.fresh_name(copy.original))).collect()
}

/// Removes functions that were called and are no longer, and puts copies after what they are
/// copies of.
fn without_uncalled(mut model: ModelProto, specializer: &Specializer) -> Specialized {
    let uncalled = specializer.functions.uncalled();
    let called = called(&model, &model.functions, uncalled);
    let first = model.functions.len() - specializer.copies.len();
    let original = |at: usize| at.checked_sub(first).map_or(at, |copy| specializer.copies[copy].original);
    let functions = std::mem::take(&mut model.functions).into_iter().enumerate();
    let stays = |key: &Key| called.contains(key) || uncalled.contains(key);
    let mut functions: Vec<(usize, FunctionProto)> = functions.filter(|(_, one)| stays(&Key::of(one))).collect();
    functions.sort_by_key(|(at, _)| original(*at));
    let copies = functions.iter().filter(|(at, _)| *at >= first);
    let copies = copies.map(|(_, copy)| text(&copy.name).to_string()).collect();
    model.functions = functions.into_iter().map(|(_, function)| function).collect();
    Specialized { model, copies }
}
