//! What is wrong with a model, in one line each.

use crate::onnx::access::text;
use crate::onnx::schema::NodeProto;
use bstr::BStr;

/// Why a model is not one. Names are cut after 100 characters.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum CheckError {
    /// Somebody reads a value that nothing makes.
    #[error("{reader} reads `{value}`, which no node, input or initializer makes")]
    Missing {
        /// The node or graph that reads it.
        reader: String,
        /// The name.
        value: String,
    },
    /// A node reads a value that it makes itself, or a later node.
    #[error("{reader} reads `{value}` before it is made: the graph has a cycle or is not in topological order")]
    Order {
        /// The node or graph that reads it.
        reader: String,
        /// The name.
        value: String,
    },
    /// Two things make the same value.
    #[error("{maker} makes `{value}`, but `{value}` is made twice; value names must be unique in a graph")]
    Twice {
        /// The second of them.
        maker: String,
        /// The name.
        value: String,
    },
    /// Something that needs a name has none.
    #[error("{what} has no name")]
    Unnamed {
        /// What it is.
        what: String,
    },
    /// A node calls nothing.
    #[error("node `{node}` has no operator")]
    NoOperator {
        /// The node.
        node: String,
    },
    /// Subgraphs are nested too deeply.
    #[error("subgraphs are nested more than {} deep", super::NESTING)]
    Nesting,
    /// A tensor contradicts itself.
    #[error("{tensor} is malformed: {problem}")]
    Tensor {
        /// The tensor, or the attribute that holds it.
        tensor: String,
        /// What is wrong.
        problem: TensorProblem,
    },
    /// A sparse tensor contradicts itself.
    #[error("sparse {tensor} is malformed: {problem}")]
    Sparse {
        /// The tensor, or the attribute that holds it.
        tensor: String,
        /// What is wrong.
        problem: SparseProblem,
    },
    /// An attribute contradicts itself.
    #[error("attribute `{attribute}` of {owner} {problem}")]
    Attribute {
        /// The node or function.
        owner: String,
        /// The attribute.
        attribute: String,
        /// What is wrong.
        problem: AttributeProblem,
    },
    /// A version that no operator set has.
    #[error("{importer} imports version {version} of the standard operator set; versions begin at 1")]
    Version {
        /// The model or function.
        importer: String,
        /// The version.
        version: i64,
    },
    /// One operator set, two versions.
    #[error("{importer} imports the operator set `{domain}` in versions {first} and {second}")]
    TwoVersions {
        /// The model or function.
        importer: String,
        /// The operator set.
        domain: String,
        /// One version.
        first: i64,
        /// The other version.
        second: i64,
    },
    /// No version says what the operators mean.
    #[error("{importer} uses standard operators, but does not import the standard operator set (opset_import)")]
    NoImport {
        /// The model or function.
        importer: String,
    },
    /// Two functions of the same domain, name and overload.
    #[error("the function `{function}` is defined twice")]
    FunctionTwice {
        /// Its name.
        function: String,
    },
    /// A function that never ends.
    #[error("the function `{function}` calls itself, directly or through other functions")]
    Recursion {
        /// Its name.
        function: String,
    },
}

/// What is wrong with a tensor.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TensorProblem {
    /// It has no element type.
    #[error("it has no element type")]
    NoType,
    /// Its element type is none of those that there are.
    #[error("its element type {0} is none of ONNX (up to IR version 14)")]
    UnknownType(i32),
    /// A dimension is negative.
    #[error("its dimension {0} is negative")]
    NegativeDimension(i64),
    /// The dimensions multiply to more than can be addressed.
    #[error("the product of its dimensions overflows")]
    Overflow,
    /// The data is where this type does not have it.
    #[error("its data is in `{field}`, where elements of type {element} are not stored")]
    WrongField {
        /// The field.
        field: &'static str,
        /// The type.
        element: &'static str,
    },
    /// The data is there twice.
    #[error("it has data in `raw_data` and in `{0}`")]
    TwoFields(&'static str),
    /// There is too much or too little data.
    #[error("its data does not match its shape: there are {found} {unit}, and its shape needs {expected}")]
    Size {
        /// Bytes or numbers.
        unit: &'static str,
        /// How many there are.
        found: u64,
        /// How many there should be.
        expected: u64,
    },
}

/// What is wrong with a sparse tensor.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SparseProblem {
    /// It lacks values or indices.
    #[error("it has no {0}")]
    NoPart(&'static str),
    /// Something is wrong with one of its parts.
    #[error("{part}: {problem}")]
    Part {
        /// Its dimensions, values or indices.
        part: &'static str,
        /// What is wrong.
        problem: TensorProblem,
    },
    /// The values are no list.
    #[error("its values are not of rank 1")]
    ValuesRank,
    /// The indices are of another type.
    #[error("its indices are not of type int64")]
    IndexType,
    /// The indices have another shape than the values want.
    #[error("its indices have not the shape [{values}] or [{values}, {rank}]")]
    IndexShape {
        /// How many values there are.
        values: i64,
        /// Of how many axes the tensor is.
        rank: usize,
    },
    /// An index is outside of the tensor.
    #[error("its index {0} is out of range")]
    OutOfRange(i64),
    /// The indices do not ascend.
    #[error("its indices do not ascend")]
    Unordered,
    /// The indices cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

/// What is wrong with an attribute.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AttributeProblem {
    /// Another attribute has the same name.
    #[error("is there twice")]
    Twice,
    /// Its type is none of those that there are.
    #[error("is of the type {0}, which ONNX does not have")]
    UnknownType(i32),
    /// It holds a value of another type than it says.
    #[error("is of the wrong type: it says that it holds {declared}, and holds {found}")]
    Mismatch {
        /// The type that it declares.
        declared: &'static str,
        /// The type that it has.
        found: &'static str,
    },
    /// It holds values of several types and does not say which one counts.
    #[error("holds {0} and {1}, and does not say which one counts")]
    Ambiguous(&'static str, &'static str),
    /// It has no value.
    #[error("says that it holds {0}, and is empty")]
    NoValue(&'static str),
    /// It refers to an attribute of a function, and there is none around.
    #[error("refers to an attribute of a function, but is not inside of one")]
    Reference,
}

/// A name for a message: of 10 MB nobody needs more than the beginning.
pub(super) fn shown(name: &BStr) -> String {
    const LONGEST: usize = 100;
    let cut = name.len().min(4 * LONGEST);
    let mut short: String = String::from_utf8_lossy(&name[..cut]).chars().take(LONGEST).collect();
    if short.len() < name.len().min(cut) || cut < name.len() {
        short.push('…');
    }
    short
}

/// How to name a node to a user.
pub(super) fn node(node: &NodeProto) -> String {
    format!("node `{}` ({})", shown(node.label()), shown(text(&node.op_type)))
}
