//! BatchNormalization in inference mode, in the form of each operator set.

use super::attribute;
use super::builder::Builder;
use super::numbers::{Numbers, Storage};
use bn_tool::onnx::element::FloatType;
use bn_tool::onnx::schema::AttributeProto;

/// What varies between BatchNormalizations of one operator set.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    pub epsilon: Option<f32>,
    /// Says what is the default anyway: `spatial=1`, `training_mode=0`, `momentum`, or the
    /// absent outputs of opset 9 by name "".
    pub explicit: bool,
    /// From opset 15 on: types of scale and bias, and of mean and variance.
    pub types: [FloatType; 2],
    pub storage: [Storage; 4],
}

impl BatchNorm {
    /// Adds the node. Before opset 15 all parameters have the type of the data.
    pub fn build(&self, builder: &mut Builder, numbers: &mut Numbers, input: &str, channels: usize, data: FloatType) {
        let [affine, moments] = if builder.opset >= 15 { self.types } else { [data; 2] };
        let parameters = [
            ("scale", affine, numbers.signed(channels, 0.3, 2.0, affine)),
            ("bias", affine, numbers.uniform(channels, -1.0, 1.0, affine)),
            ("mean", moments, numbers.uniform(channels, -1.0, 1.0, moments)),
            ("var", moments, numbers.uniform(channels, 0.05, 4.0, moments)),
        ];
        for ((name, element, values), storage) in parameters.iter().zip(self.storage) {
            builder.constant(name, *element, &[channels], values, storage);
        }
        let (attributes, opset) = (self.attributes(builder.opset), builder.opset);
        let node = builder.node("BatchNormalization", &[input, "scale", "bias", "mean", "var"], "y", attributes);
        if self.explicit && (7..14).contains(&opset) {
            node.output.extend(vec![Default::default(); 4]);
        }
    }

    fn attributes(&self, opset: i64) -> Vec<AttributeProto> {
        let mut attributes: Vec<_> =
            self.epsilon.iter().map(|epsilon| AttributeProto::float("epsilon", *epsilon)).collect();
        if opset < 7 {
            attributes.push(AttributeProto::int("is_test", 1));
        }
        if opset < 6 {
            attributes.push(attribute::ints("consumed_inputs", &[0, 0, 0, 1, 1]));
        }
        if self.explicit {
            attributes.push(AttributeProto::float("momentum", 0.99));
            attributes.extend((opset < 9).then(|| AttributeProto::int("spatial", 1)));
            attributes.extend((opset >= 14).then(|| AttributeProto::int("training_mode", 0)));
        }
        attributes
    }
}
