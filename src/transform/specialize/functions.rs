//! Which functions there are, what they call, and in which a BatchNormalization is.

use crate::onnx::access::{is_standard_domain, text};
use crate::onnx::schema::{FunctionProto, GraphProto, ModelProto, NodeProto};
use bstr::BString;
use std::collections::{HashMap, HashSet};

/// What a call and its function have in common: domain, name, overload.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key([BString; 3]);

impl Key {
    /// Of what a node calls.
    pub fn of_call(node: &NodeProto) -> Key {
        Key::new(&node.domain, &node.op_type, &node.overload)
    }

    /// Of a function.
    pub fn of(function: &FunctionProto) -> Key {
        Key::new(&function.domain, &function.name, &function.overload)
    }

    fn new(domain: &Option<BString>, name: &Option<BString>, overload: &Option<BString>) -> Key {
        let domain = if is_standard_domain(text(domain)) { BString::default() } else { text(domain).to_owned() };
        Key([domain, text(name).to_owned(), text(overload).to_owned()])
    }
}

/// The functions of a model as they were before any was copied.
pub struct Functions {
    functions: Vec<FunctionProto>,
    /// Those that hold a BatchNormalization, or call one that does.
    holders: HashMap<Key, usize>,
    uncalled: HashSet<Key>,
    /// Names of functions and of all that is called: a copy must not become what a node means.
    taken: HashSet<BString>,
    /// The last number that was appended to the name of each function.
    numbers: Vec<u32>,
}

impl Functions {
    /// Looks at the functions of a model.
    pub fn new(model: &ModelProto) -> Functions {
        let functions = model.functions.clone();
        let mut taken: HashSet<BString> = functions.iter().map(|function| text(&function.name).to_owned()).collect();
        graphs(model).for_each(|graph| each_node(&graph.node, |node| _ = taken.insert(text(&node.op_type).to_owned())));
        for function in &functions {
            each_node(&function.node, |node| _ = taken.insert(text(&node.op_type).to_owned()));
        }
        let called = called(model, &functions, &HashSet::new());
        let uncalled = functions.iter().map(Key::of).filter(|key| !called.contains(key)).collect();
        Functions { holders: holders(&functions), uncalled, taken, numbers: vec![0; functions.len()], functions }
    }

    /// A function.
    pub fn get(&self, index: usize) -> &FunctionProto {
        &self.functions[index]
    }

    /// The function of this key, if a BatchNormalization is in it or in what it calls.
    pub fn holder(&self, key: &Key) -> Option<usize> {
        self.holders.get(key).copied()
    }

    /// Whether there is any such function.
    pub fn any_holds_norm(&self) -> bool {
        !self.holders.is_empty()
    }

    /// A name for a copy of a function that nothing else has: `block_1`, `block_2` …
    pub fn fresh_name(&mut self, index: usize) -> BString {
        loop {
            self.numbers[index] += 1;
            let mut name = text(&self.functions[index].name).to_owned();
            name.extend_from_slice(format!("_{}", self.numbers[index]).as_bytes());
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }

    /// Gives the names of copies back, so that those that stay can be numbered without gaps.
    pub fn release<'n>(&mut self, names: impl Iterator<Item = &'n BString>) {
        names.for_each(|name| _ = self.taken.remove(name));
        self.numbers.fill(0);
    }

    /// Functions that nothing called to begin with.
    pub fn uncalled(&self) -> &HashSet<Key> {
        &self.uncalled
    }
}

fn holders(functions: &[FunctionProto]) -> HashMap<Key, usize> {
    let index: HashMap<Key, usize> =
        functions.iter().enumerate().map(|(at, function)| (Key::of(function), at)).collect();
    let is_norm = |key: &Key| key.0[0].is_empty() && key.0[1] == "BatchNormalization";
    if index.keys().any(is_norm) {
        return HashMap::new();
    }
    let mut callers = vec![Vec::new(); functions.len()];
    let mut open = Vec::new();
    for (caller, function) in functions.iter().enumerate() {
        each_node(&function.node, |node| match Key::of_call(node) {
            key if is_norm(&key) => open.push(caller),
            key => index.get(&key).into_iter().for_each(|callee| callers[*callee].push(caller)),
        });
    }
    let mut holders = HashSet::new();
    while let Some(holder) = open.pop() {
        if holders.insert(holder) {
            open.extend(&callers[holder]);
        }
    }
    index.into_iter().filter(|(_, at)| holders.contains(at)).collect()
}

/// What is called from the graphs of a model or, directly or not, from these functions.
pub fn called(model: &ModelProto, functions: &[FunctionProto], from: &HashSet<Key>) -> HashSet<Key> {
    let index: HashMap<Key, &FunctionProto> = functions.iter().map(|function| (Key::of(function), function)).collect();
    let (mut called, mut open) = (HashSet::new(), Vec::new());
    graphs(model).for_each(|graph| each_node(&graph.node, |node| open.push(Key::of_call(node))));
    for function in from.iter().filter_map(|key| index.get(key)) {
        each_node(&function.node, |node| open.push(Key::of_call(node)));
    }
    while let Some(key) = open.pop() {
        let Some(function) = index.get(&key) else { continue };
        if called.insert(key) {
            each_node(&function.node, |node| open.push(Key::of_call(node)));
        }
    }
    called
}

/// The main graph and those of training.
fn graphs(model: &ModelProto) -> impl Iterator<Item = &GraphProto> {
    let training = model.training_info.iter().flat_map(|info| info.initialization.iter().chain(&info.algorithm));
    model.graph.iter().chain(training)
}

/// Calls `each` with all nodes, those of subgraphs included.
pub fn each_node<'m>(nodes: &'m [NodeProto], mut each: impl FnMut(&'m NodeProto)) {
    let mut open = vec![nodes];
    while let Some(nodes) = open.pop() {
        for node in nodes {
            each(node);
            open.extend(node.subgraphs().map(|graph| &graph.node[..]));
        }
    }
}
