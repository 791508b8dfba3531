//! The list of operators.

use super::call::{Call, Outputs};
use super::*;

/// What computes an operator of the standard domain.
pub type Operator = fn(&Call) -> Outputs;

/// The implementation of an operator, in every version that the evaluator knows.
pub fn find(name: &str) -> Option<Operator> {
    Some(match name {
        "BatchNormalization" => batch_norm::batch_norm,
        "InstanceNormalization" => normalization::instance,
        "LayerNormalization" => normalization::layer,
        "GroupNormalization" => normalization::group,
        "RMSNormalization" => normalization::root_mean_square,
        "Conv" => conv::conv,
        "ConvTranspose" => conv_transpose::conv_transpose,
        "Gemm" => matmul::gemm,
        "MatMul" => matmul::matmul,
        "Einsum" => einsum::einsum,
        "Add" | "Sub" | "Mul" | "Div" | "Pow" => binary::arithmetic,
        "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "And" | "Or" => compare::compare,
        "Where" => compare::choose,
        "PRelu" => binary::prelu,
        "Sum" | "Max" | "Min" | "Mean" => variadic::variadic,
        "Neg" | "Sqrt" | "Reciprocal" | "Exp" | "Identity" | "Not" => unary::unary,
        "Relu" | "LeakyRelu" | "Elu" | "Selu" | "Sigmoid" | "Tanh" | "Softplus" | "Softsign" | "HardSwish"
        | "HardSigmoid" | "Erf" | "Abs" | "Celu" | "ThresholdedRelu" | "Gelu" | "Swish" | "Mish" | "Shrink" | "Sin" => {
            activation::activation
        }
        "Clip" => activation::clip,
        "Dropout" => dropout::dropout,
        "Cast" => cast::cast,
        "CastLike" => cast::cast_like,
        "QuantizeLinear" => quantize::quantize,
        "DequantizeLinear" => quantize::dequantize,
        "Reshape" => shape::reshape,
        "Flatten" => shape::flatten,
        "Transpose" => shape::transpose,
        "Squeeze" => shape::squeeze,
        "Unsqueeze" => shape::unsqueeze,
        "Expand" => shape::expand,
        "Shape" => shape::shape,
        "Concat" => join::concat,
        "Split" => join::split,
        "Slice" => slice::slice,
        "Gather" => gather::gather,
        "Pad" => pad::pad,
        "Tile" => tile::tile,
        "Resize" | "Upsample" => resize::resize,
        "DepthToSpace" => depth::depth_to_space,
        "SpaceToDepth" => depth::space_to_depth,
        "Constant" => constant::constant,
        "ConstantOfShape" => constant::constant_of_shape,
        "MaxPool" => pool::max,
        "AveragePool" => pool::average,
        "GlobalAveragePool" | "GlobalMaxPool" => pool::global,
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" => reduce::reduce,
        "Softmax" => softmax::softmax,
        _ => return None,
    })
}
