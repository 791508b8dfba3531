//! What `bn-tool explain CODE` prints.

use super::Code;
use serde::Serialize;

/// What a refusal means, why it is one, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What was found.
    pub what: &'static str,
    /// Why folding would change what the model computes, or cannot be done.
    pub why: &'static str,
    /// What the user can do.
    pub remedy: &'static str,
}

const fn because(what: &'static str, why: &'static str, remedy: &'static str) -> Explanation {
    Explanation { what, why, remedy }
}

impl Code {
    /// What the code means, why, and what to do.
    pub fn explanation(self) -> Explanation {
        match self {
            Code::TrainingMode => because(
                "The BatchNormalization is in training mode: training_mode = 1, or at opset 1 and 6 no is_test = 1, or at opset 7 and 9 more than one output.",
                "It normalises by the mean and variance of each batch. There is no fixed map per channel that a weight could absorb.",
                "Export the model in inference mode (PyTorch: model.eval() before torch.onnx.export, and training=TrainingMode.EVAL), or fold with --freeze: the stored statistics are used then, and outputs differ from those of training mode. A BatchNormalization whose batch statistics somebody reads stays.",
            ),
            Code::PerActivation => because(
                "The BatchNormalization has spatial = 0 (opset 1 to 8): one set of parameters per element, not per channel.",
                "A Conv weight has one factor per output channel; it cannot scale single pixels.",
                "Export the model with spatial = 1, or leave it.",
            ),
            Code::Malformed => because(
                "The BatchNormalization, or the operator before it, is not what the operator allows: an input or output is missing, an attribute is of the wrong type, parameters have not one number per channel, a group does not divide the channels, a bias is of the wrong length.",
                "No runtime can run the model, so that there is nothing to preserve: fold and inspect end with an error.",
                "Check the model with onnx.checker.check_model(model, full_check=True); export it again, or leave the node out with --exclude.",
            ),
            Code::ParameterNotConstant => because(
                "Scale, bias, mean or variance is a graph input, or is computed from one.",
                "The map is not known before the model runs.",
                "Store the parameters as initializers; constant expressions of them are evaluated.",
            ),
            Code::ParameterShape => because(
                "Scale, bias, mean and variance have one number per channel each, but are no vectors.",
                "The operator needs four vectors of length C; whether a runtime takes anything else is up to it.",
                "Check the model with onnx.checker.check_model; export it again.",
            ),
            Code::Overridable => because(
                "A weight or parameter is an initializer and a graph input as well (IR version 4 and later, and in the body of a loop), or training info updates it.",
                "Such an initializer is only a default: a caller can pass another tensor, and the folded model would not see it.",
                "If nobody overrides it, remove it from the graph inputs (onnxruntime's remove_initializer_from_input.py does that).",
            ),
            Code::Degenerate => because(
                "The parameters make no finite map: variance + epsilon is not positive, or a parameter is NaN or infinite.",
                "The BatchNormalization computes NaN or infinity for every input of that channel; a weight that holds NaN would do so for other inputs too.",
                "Look at the channel with `bn-tool inspect`. Training has diverged, or the statistics were damaged.",
            ),
            Code::Overflow => because(
                "A scaled weight or bias is too large for its type, most often float16 above 65504.",
                "The folded operator would compute infinity where the original computes a finite number.",
                "Convert the model to float32 or bfloat16 before folding, or exclude this node.",
            ),
            Code::NoLinearProducer => because(
                "What makes the input of the BatchNormalization is a graph input, or an operator that is not linear, or one that this version cannot fold into, or another BatchNormalization that is kept; and what reads its output does not take it in either.",
                "Linear operators and normalisations with constant weights take a map in. It gets there past operators with which it commutes; a Relu, for example, does not commute with a negative factor or a shift.",
                "Nothing, if the network is built that way (normalisation after the activation).",
            ),
            Code::OtherReader => because(
                "The value before the BatchNormalization is read by another node too, or named by training info or a quantisation annotation. insert: beside the activation, another node reads the output of the layer.",
                "That reader sees the value before the normalisation, which after folding no longer exists; after an insertion it would see another one.",
                "Nothing, if the network needs the value. Otherwise remove the other reader, or insert with --site after-affine, for all readers.",
            ),
            Code::GraphOutput => because(
                "The value before the BatchNormalization is an output of the graph.",
                "The caller sees the value before the normalisation, which after folding no longer exists.",
                "Remove the output from the graph, if it was exposed for debugging.",
            ),
            Code::SubgraphCapture => because(
                "A subgraph (the body of an If, Loop or Scan) reads the value before the BatchNormalization, or the BatchNormalization is in a subgraph and the value comes from outside.",
                "The subgraph sees the value before the normalisation, which after folding no longer exists.",
                "Nothing, if the network needs the value.",
            ),
            Code::WeightNotConstant => because(
                "The weight of the operator before the BatchNormalization is a graph input, or is computed at run time.",
                "There is no stored weight that could absorb the map.",
                "Store the weight as an initializer; constant expressions of it are evaluated.",
            ),
            Code::BiasNotConstant => because(
                "The bias of the operator before the BatchNormalization is a graph input, or is computed at run time.",
                "The bias has to be scaled and shifted along with the weight.",
                "Store the bias as an initializer.",
            ),
            Code::UnsupportedType => because(
                "The weight, or a parameter of the BatchNormalization, is not float16, bfloat16, float32 or float64.",
                "Scaling needs a floating-point type with an arithmetic of its own.",
                "Fold before you quantise or convert the model.",
            ),
            Code::ChannelAxis => because(
                "The BatchNormalization normalises axis 1, and it is not proven that this is the axis of the operator's output channels: a MatMul of rank 3 has its channels last. Or the input has no axis 1.",
                "Scaling the wrong axis would silently compute something else, in particular when both axes have the same length.",
                "If the rank is only unknown, run ONNX shape inference first, so that it is written in the model. insert: --transpose brings the channels to axis 1, and back.",
            ),
            Code::Quantized => because(
                "The weight is a DequantizeLinear of integers that cannot take the map: its scales differ along another axis, a negative factor would need an integer that its type does not have, or another node reads it too. insert: the layer computes with integers, or its weight is dequantised from them.",
                "Only the scales and the signs of the integers can be changed without rounding the weight anew.",
                "Fold, or insert, before you quantise.",
            ),
            Code::Padding => because(
                "Zeros are added around the values between the BatchNormalization and the operator that could take it in: by a convolution that pads, a Pad, or an AveragePool that counts its padding (a transposed convolution sums another number of elements at its borders, too).",
                "The zeros stay zeros; with the shift moved to the other side of them they would have to be something else in each channel.",
                "Where it is the convolution after it that pads, --pad-exact folds the scale and leaves an Add.",
            ),
            Code::ShapeMismatch => because(
                "The operator before the BatchNormalization has a weight or bias of a rank that the operator does not foresee, or that is broadcast along the channels.",
                "What the model computes is up to the runtime, or rests on broadcasting that a weight cannot express.",
                "Check the model with onnx.checker.check_model; export it again.",
            ),
            Code::NameClash => because(
                "A name that the folded graph would need means something else where it would be read: a nested or enclosing graph has a value of the same name as the output, or a local function replaces the standard operator Add.",
                "The folded graph would be invalid, or a subgraph would read the wrong value.",
                "Give the values unique names (onnx.compose.add_prefix, or export the model again).",
            ),
            Code::InFunction => because(
                "The BatchNormalization is in the body of a model-local function, and a parameter, weight or attribute that folding needs is given by each call of the function.",
                "A function can be called from several places, each time with other constants; its body is written once.",
                "Fold with --specialize-functions, which makes a copy of the function for the constants of each call; or inline the functions first (onnx.inliner.inline_local_functions). What is not constant where the function is called stays.",
            ),
            Code::AlreadyNormalised => because(
                "insert: a normalisation (BatchNormalization, InstanceNormalization, GroupNormalization, LayerNormalization, RMSNormalization, MeanVarianceNormalization or LpNormalization) is there already: behind the layer, behind its activation, or, with --site before-affine, in front of it. Nodes between that only move elements do not count.",
                "A second one would normalise what is normalised.",
                "Nothing. To begin anew, fold the model first.",
            ),
            Code::NoActivation => because(
                "insert: what reads the output of the layer is no activation: no elementwise non-linearity, in one node or in several that read nothing but this value and single numbers.",
                "The BatchNormalization goes between a layer and its activation, and here is none.",
                "Use --site after-affine, which puts one behind every layer.",
            ),
            Code::UnknownRank => because(
                "insert: the rank of a value is not known, so that its axis 1 may not be its channels; or, with --site input, the length of axis 1 is not.",
                "A BatchNormalization normalises axis 1, and has as many parameters as that is long.",
                "Run ONNX shape inference first, or declare the shape of the input in the model.",
            ),
            Code::NotReached => because(
                "recalibrate: nothing comes into the BatchNormalization on this data: it is in a branch of an If that is never taken, or what it computes is not used.",
                "There is nothing to take a mean and a variance of.",
                "Give data on which the branch is taken. Without it, the stored statistics stay.",
            ),
            Code::NotFinite => because(
                "recalibrate: NaN or infinity comes into a channel of the BatchNormalization.",
                "One such number makes the mean and the variance NaN. The stored statistics stay, and so do those of what is behind it, if what comes in there is not finite either.",
                "Look at the data for NaN, and at the BatchNormalizations before this one with `bn-tool inspect`: a variance that is far too small gives a large gain.",
            ),
            Code::SingleValue => because(
                "recalibrate: one number per channel comes into the BatchNormalization, over all samples.",
                "One number has no variance: with 0 in its place the gain would be as large as epsilon allows.",
                "Give more samples.",
            ),
            Code::NotSelected => {
                because("--select or --exclude leaves this node out.", "You asked for it.", "Change the patterns.")
            }
        }
    }
}
