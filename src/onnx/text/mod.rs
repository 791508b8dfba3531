//! The ONNX textual syntax: [`print()`], [`parse`], and telling it from binary
//! ([`looks_like_text`]).
//!
//! The syntax is that of the reference implementation (onnx 1.23):
//! <https://github.com/onnx/onnx/blob/main/docs/Syntax.md>.
//!
//! ```text
//! <
//!    ir_version: 10,
//!    opset_import: ["" : 17]
//! >
//! tiny (float[N,3,32,32] image) => (float[N,16,32,32] features)
//! <
//!    float[16,3,3,3] "conv.weight" = {...432 values, xxh3 1d2a…}
//! >
//! {
//!    [conv] x = Conv <pads: ints = [1, 1, 1, 1]> (image, "conv.weight")
//!    features = Relu (x)
//! }
//! ```
//!
//! # Beyond the reference
//!
//! What the reference cannot read back, although its models may have it, is written as
//! follows; [`parse`] reads it:
//!
//! * names of operators, domains, overloads and attributes that are no identifiers are
//!   quoted, as values' names are everywhere: `y = "my-domain"."aten::add" (x)`;
//! * so are names of subgraphs;
//! * lists of tensors, graphs and types in attributes (the reference reads an empty list);
//! * sparse tensors: `sparse_tensor(float[9]) name = {float[2] {1, 2}, int64[2] {0, 5}}`,
//!   values before indices, in attributes and among the initializers;
//! * float16 and bfloat16 elements with a decimal point or an exponent are numbers, where
//!   integers are bit patterns; only models printed without all weights have them;
//! * an element type that is not set is `undefined`; an attribute without type and value is
//!   `name: undefined = []`.
//!
//! # What the syntax cannot say
//!
//! [`print()`] leaves out what follows; [`losses`] tells which of it a model has:
//!
//! * documentation strings, but for those of the model and of functions;
//! * metadata, but for that of the model;
//! * quantization annotations, training information, device configurations, segments,
//!   denotations of types and dimensions, unknown fields;
//! * the name of a tensor in an attribute if it is no identifier (the reference has no way to
//!   read it; [`parse`] has);
//! * values of an attribute other than the one that its type names, or any if it refers to
//!   an attribute of a function; an attribute that has neither type nor value;
//! * element types that the schema does not know (they become `undefined`), a type that
//!   is there but empty or is several at once, and the name of a dimension that has a length;
//! * data in the file of a tensor that says its data is elsewhere, and places elsewhere of one
//!   that does not; all but one of the fields that the data is in.
//!
//! It does not tell apart, which is no loss worth a word, so that [`parse`] returns the second
//! where the first was printed:
//!
//! * tensor data in typed fields, and in `raw_data` (little-endian);
//! * payloads of NaN in float32, float64 and complex tensors, and the quiet NaN of the same
//!   sign; of NaN in attributes also;
//! * an absent graph and an empty one; an absent name of a graph, function, value, initializer
//!   or operator, or domain of an operator set, and an empty one; an empty domain or overload
//!   of a node, or name of a tensor in an attribute, and an absent one; an absent version of an
//!   operator set and 0;
//! * an attribute without a type (IR version 1) and with the type of its value; an absent
//!   value and the default one; a value of zero beside the one that its type names, and none;
//! * documentation, metadata keys or values that are there but empty, and absent ones;
//! * bits that pad elements of less than a byte, and zeros; bits of a number in a typed field that
//!   its element type does not have, and none;
//! * packed and unpacked numbers;
//! * sparse initializers between others: their order among themselves is kept.

mod detect;
mod losses;
mod names;
mod parse;
mod print;

pub use detect::looks_like_text;
pub use losses::{Loss, LossKind, losses};
pub use parse::{ParseError, parse};
pub use print::{PrintError, PrintOptions, fragment, print};
