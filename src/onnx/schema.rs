//! The ONNX schema (`onnx-ml.proto`, IR version 14), field by field.
//!
//! Every optional scalar keeps its presence, repeated numbers keep their packing, strings
//! are bytes (other writers produce invalid UTF-8), unknown fields are kept. What is absent from
//! nearly all nodes, attributes and tensors, of which there may be millions, takes eight bytes
//! there.
//! Documentation: <https://github.com/onnx/onnx/blob/main/onnx/onnx.in.proto>.

use super::external_data::ExternalData;
use super::payload::Payload;
use super::wire::{Fixed, Numbers, Rare, message};
use bstr::BString;

message! {
    /// A model: one graph and what is needed to run it.
    ModelProto {
        1 ir_version: Option<i64>,
        2 producer_name: Option<BString>,
        3 producer_version: Option<BString>,
        4 domain: Option<BString>,
        5 model_version: Option<i64>,
        6 doc_string: Option<BString>,
        7 graph: Option<GraphProto>,
        8 opset_import: Vec<OperatorSetIdProto>,
        14 metadata_props: Vec<StringStringEntryProto>,
        20 training_info: Vec<TrainingInfoProto>,
        25 functions: Vec<FunctionProto>,
        26 configuration: Vec<DeviceConfigurationProto>,
    }

    /// Devices that a model can be distributed over.
    DeviceConfigurationProto {
        1 name: Option<BString>,
        2 num_devices: Option<i32>,
        3 device: Vec<BString>,
    }

    /// A key and a value.
    StringStringEntryProto {
        1 key: Option<BString>,
        2 value: Option<BString>,
    }

    /// The version of an operator set that a model or function uses.
    OperatorSetIdProto {
        1 domain: Option<BString>,
        2 version: Option<i64>,
    }

    /// How to train the model.
    TrainingInfoProto {
        1 initialization: Option<GraphProto>,
        2 algorithm: Option<GraphProto>,
        3 initialization_binding: Vec<StringStringEntryProto>,
        4 update_binding: Vec<StringStringEntryProto>,
    }

    /// A model-local function.
    FunctionProto {
        1 name: Option<BString>,
        4 input: Vec<BString>,
        5 output: Vec<BString>,
        6 attribute: Vec<BString>,
        7 node: Vec<NodeProto>,
        8 doc_string: Option<BString>,
        9 opset_import: Vec<OperatorSetIdProto>,
        10 domain: Option<BString>,
        11 attribute_proto: Vec<AttributeProto>,
        12 value_info: Vec<ValueInfoProto>,
        13 overload: Option<BString>,
        14 metadata_props: Vec<StringStringEntryProto>,
    }

    /// A graph: nodes in topological order, constants, inputs and outputs.
    GraphProto {
        1 node: Vec<NodeProto>,
        2 name: Option<BString>,
        5 initializer: Vec<TensorProto>,
        10 doc_string: Option<BString>,
        11 input: Vec<ValueInfoProto>,
        12 output: Vec<ValueInfoProto>,
        13 value_info: Vec<ValueInfoProto>,
        14 quantization_annotation: Vec<TensorAnnotation>,
        15 sparse_initializer: Vec<SparseTensorProto>,
        16 metadata_props: Vec<StringStringEntryProto>,
    }

    /// Quantisation parameters of a tensor.
    TensorAnnotation {
        1 tensor_name: Option<BString>,
        2 quant_parameter_tensor_names: Vec<StringStringEntryProto>,
    }

    /// One call of an operator.
    NodeProto {
        1 input: Vec<BString>,
        2 output: Vec<BString>,
        3 name: Option<BString>,
        4 op_type: Option<BString>,
        5 attribute: Vec<AttributeProto>,
        6 doc_string: Option<Box<BString>>,
        7 domain: Option<BString>,
        8 overload: Option<BString>,
        9 metadata_props: Rare<StringStringEntryProto>,
        10 device_configurations: Rare<NodeDeviceConfigurationProto>,
    }

    /// How a node is distributed.
    NodeDeviceConfigurationProto {
        1 configuration_id: Option<BString>,
        2 sharding_spec: Vec<ShardingSpecProto>,
        3 pipeline_stage: Option<i32>,
    }

    /// How a tensor is sharded.
    ShardingSpecProto {
        1 tensor_name: Option<BString>,
        2 device: Numbers<i64>,
        3 index_to_device_group_map: Vec<IntIntListEntryProto>,
        4 sharded_dim: Vec<ShardedDimProto>,
    }

    /// A number and a list of numbers.
    IntIntListEntryProto {
        1 key: Option<i64>,
        2 value: Numbers<i64>,
    }

    /// How one axis is sharded.
    ShardedDimProto {
        1 axis: Option<i64>,
        2 simple_sharding: Vec<SimpleShardedDimProto>,
    }

    /// One step of sharding an axis.
    SimpleShardedDimProto {
        1 dim_value: Option<i64>,
        2 dim_param: Option<BString>,
        3 num_shards: Option<i64>,
    }

    /// A named argument of a node.
    AttributeProto {
        1 name: Option<BString>,
        2 f: Option<f32>,
        3 i: Option<i64>,
        4 s: Option<BString>,
        5 t: Option<Box<TensorProto>>,
        6 g: Option<Box<GraphProto>>,
        7 floats: Numbers<f32>,
        8 ints: Numbers<i64>,
        9 strings: Rare<BString>,
        10 tensors: Rare<TensorProto>,
        11 graphs: Rare<GraphProto>,
        13 doc_string: Option<Box<BString>>,
        14 tp: Option<Box<TypeProto>>,
        15 type_protos: Rare<TypeProto>,
        20 r#type: Option<i32>,
        21 ref_attr_name: Option<BString>,
        22 sparse_tensor: Option<Box<SparseTensorProto>>,
        23 sparse_tensors: Rare<SparseTensorProto>,
    }

    /// Name and type of a value.
    ValueInfoProto {
        1 name: Option<BString>,
        2 r#type: Option<TypeProto>,
        3 doc_string: Option<Box<BString>>,
        4 metadata_props: Rare<StringStringEntryProto>,
    }

    /// A part of a larger tensor (reserved by the schema).
    Segment {
        1 begin: Option<i64>,
        2 end: Option<i64>,
    }

    /// A constant tensor.
    TensorProto {
        1 dims: Numbers<i64>,
        2 data_type: Option<i32>,
        3 segment: Option<Box<Segment>>,
        4 float_data: Fixed<4>,
        5 int32_data: Numbers<i32>,
        6 string_data: Vec<BString>,
        7 int64_data: Numbers<i64>,
        8 name: Option<BString>,
        9 raw_data: Option<Payload>,
        10 double_data: Fixed<8>,
        11 uint64_data: Numbers<u64>,
        12 doc_string: Option<Box<BString>>,
        13 external_data: ExternalData<StringStringEntryProto>,
        14 data_location: Option<i32>,
        16 metadata_props: Rare<StringStringEntryProto>,
    }

    /// A constant tensor with few elements that are not zero.
    SparseTensorProto {
        1 values: Option<TensorProto>,
        2 indices: Option<TensorProto>,
        3 dims: Numbers<i64>,
    }

    /// The shape of a tensor.
    TensorShapeProto {
        1 dim: Vec<Dimension>,
    }

    /// The length of an axis: a number, a name, or unknown.
    Dimension {
        1 dim_value: Option<i64>,
        2 dim_param: Option<BString>,
        3 denotation: Option<BString>,
    }

    /// The type of a value.
    TypeProto {
        1 tensor_type: Option<TensorTypeProto>,
        4 sequence_type: Option<Box<ElementTypeProto>>,
        5 map_type: Option<Box<MapTypeProto>>,
        6 denotation: Option<BString>,
        7 opaque_type: Option<OpaqueTypeProto>,
        8 sparse_tensor_type: Option<TensorTypeProto>,
        9 optional_type: Option<Box<ElementTypeProto>>,
    }

    /// A dense or sparse tensor type.
    TensorTypeProto {
        1 elem_type: Option<i32>,
        2 shape: Option<TensorShapeProto>,
    }

    /// A sequence or optional type.
    ElementTypeProto {
        1 elem_type: Option<TypeProto>,
    }

    /// A map type.
    MapTypeProto {
        1 key_type: Option<i32>,
        2 value_type: Option<TypeProto>,
    }

    /// A type that only its domain understands.
    OpaqueTypeProto {
        1 domain: Option<BString>,
        2 name: Option<BString>,
    }
}
