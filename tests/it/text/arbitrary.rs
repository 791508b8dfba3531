//! Models of all that the syntax can say.

use bn_tool::onnx::element::DataType;
use bn_tool::onnx::schema::{
    AttributeProto, Dimension, ElementTypeProto, FunctionProto, GraphProto, MapTypeProto, ModelProto, NodeProto,
    OpaqueTypeProto, OperatorSetIdProto, SparseTensorProto, StringStringEntryProto, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};
use bn_tool::onnx::wire::Numbers;
use bstr::BString;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Any string.
fn string() -> impl Strategy<Value = BString> {
    prop_oneof![
        3 => "[a-z]{1,6}".prop_map(BString::from),
        1 => "[/:.a-z0-9_]{1,8}".prop_map(BString::from),
        1 => any::<String>().prop_map(BString::from),
        1 => vec(any::<u8>(), 0..6).prop_map(BString::from),
        1 => prop_oneof!["float", "seq", "inf", "nan", "undefined", "\"\\\n#", ""].prop_map(BString::from),
    ]
}

/// Any string that is there and not empty, or none.
fn optional_string() -> impl Strategy<Value = Option<BString>> {
    string().prop_map(|string| Some(string).filter(|string| !string.is_empty()))
}

fn pairs() -> impl Strategy<Value = Vec<StringStringEntryProto>> {
    let pair = (string(), string()).prop_map(|(key, value)| StringStringEntryProto {
        key: Some(key),
        value: Some(value),
        ..Default::default()
    });
    vec(pair, 0..3)
}

fn imports() -> impl Strategy<Value = Vec<OperatorSetIdProto>> {
    let import = (string(), any::<i64>()).prop_map(|(domain, version)| OperatorSetIdProto {
        domain: Some(domain),
        version: Some(version),
        ..Default::default()
    });
    vec(import, 0..3)
}

fn dimension() -> impl Strategy<Value = Dimension> {
    prop_oneof![
        any::<i64>().prop_map(|value| Dimension { dim_value: Some(value), ..Default::default() }),
        string().prop_map(|name| Dimension { dim_param: Some(name), ..Default::default() }),
        Just(Dimension::default()),
    ]
}

fn code() -> impl Strategy<Value = i32> {
    0..=28
}

fn tensor_type() -> impl Strategy<Value = TensorTypeProto> {
    let shape = vec(dimension(), 0..4).prop_map(|dim| TensorShapeProto { dim, ..Default::default() });
    (code(), option::of(shape)).prop_map(|(code, shape)| TensorTypeProto {
        elem_type: Some(code),
        shape,
        ..Default::default()
    })
}

fn opaque() -> impl Strategy<Value = OpaqueTypeProto> {
    let both = (string(), string()).prop_filter("a domain", |(domain, _)| !domain.is_empty());
    prop_oneof![
        Just((None, None)),
        optional_string().prop_map(|name| (None, name)),
        both.prop_map(|(domain, name)| (Some(domain), Some(name))),
    ]
    .prop_map(|(domain, name)| OpaqueTypeProto { domain, name, ..Default::default() })
}

fn value_type() -> BoxedStrategy<TypeProto> {
    let leaf = prop_oneof![
        tensor_type().prop_map(|kind| TypeProto { tensor_type: Some(kind), ..Default::default() }),
        tensor_type().prop_map(|kind| TypeProto { sparse_tensor_type: Some(kind), ..Default::default() }),
        opaque().prop_map(|kind| TypeProto { opaque_type: Some(kind), ..Default::default() }),
    ];
    leaf.prop_recursive(3, 6, 1, |inner| {
        let map = (code(), option::of(inner.clone()));
        prop_oneof![
            option::of(inner.clone())
                .prop_map(|kind| TypeProto { sequence_type: Some(element(kind)), ..Default::default() }),
            option::of(inner).prop_map(|kind| TypeProto { optional_type: Some(element(kind)), ..Default::default() }),
            map.prop_map(|(key, value_type)| {
                let map = MapTypeProto { key_type: Some(key), value_type, ..Default::default() };
                TypeProto { map_type: Some(Box::new(map)), ..Default::default() }
            }),
        ]
    })
    .boxed()
}

fn value_info() -> BoxedStrategy<ValueInfoProto> {
    (string(), option::of(value_type()))
        .prop_map(|(name, r#type)| ValueInfoProto { name: Some(name), r#type, ..Default::default() })
        .boxed()
}

fn element_type() -> impl Strategy<Value = DataType> {
    (0..DataType::ALL.len()).prop_map(|index| DataType::ALL[index].0)
}

/// A tensor whose elements are where `storage` says: in `raw_data`, typed fields or a file.
fn tensor() -> BoxedStrategy<TensorProto> {
    (element_type(), vec(0..4i64, 0..3), optional_string(), 0..5u8)
        .prop_flat_map(|(element, dims, name, storage)| {
            let count = dims.iter().product::<i64>() as usize;
            let bytes = vec(prop_oneof![any::<u8>(), Just(0xff), Just(0)], count * 16);
            (bytes, vec(string(), count), pairs()).prop_map(move |(bytes, strings, external)| {
                let (dims, name) = (Numbers::from(dims.clone()), name.clone());
                let tensor = TensorProto { dims, name, data_type: Some(element.code()), ..Default::default() };
                match storage {
                    0 => TensorProto { external_data: external.into(), data_location: Some(1), ..tensor },
                    _ if element == DataType::String => TensorProto { string_data: strings, ..tensor },
                    1 => typed(tensor, element, count, &bytes),
                    _ => raw(tensor, element, count, bytes),
                }
            })
        })
        .boxed()
}

fn raw(mut tensor: TensorProto, element: DataType, count: usize, mut bytes: Vec<u8>) -> TensorProto {
    let bits = element.bits().unwrap_or(0) as usize * count;
    bytes.truncate(bits.div_ceil(8));
    // What pads six-bit elements has no place in the text.
    if !bits.is_multiple_of(8) && element.bits() == Some(6) {
        bytes.last_mut().into_iter().for_each(|last| *last &= 0xff >> (8 - bits % 8));
    }
    tensor.set_elements(bytes.into());
    tensor
}

fn typed(mut tensor: TensorProto, element: DataType, count: usize, bytes: &[u8]) -> TensorProto {
    let bits = element.bits().unwrap_or(0) as usize;
    let stored = if bits < 6 { (count * bits).div_ceil(8) } else { count };
    let words = bytes.as_chunks::<8>().0.iter().map(|le| i64::from_le_bytes(*le)).take(stored);
    match element {
        DataType::Float | DataType::Complex64 => tensor.float_data.set(Some(bytes[..count * bits / 8].to_vec().into())),
        DataType::Double | DataType::Complex128 => {
            tensor.double_data.set(Some(bytes[..count * bits / 8].to_vec().into()));
        }
        DataType::Int64 => tensor.int64_data = Numbers::from(words.collect::<Vec<_>>()),
        DataType::Uint32 | DataType::Uint64 => {
            tensor.uint64_data = Numbers::from(words.map(|word| word as u64).collect::<Vec<_>>());
        }
        _ => tensor.int32_data = Numbers::from(words.map(|word| word as i32).collect::<Vec<_>>()),
    }
    tensor
}

fn sparse() -> BoxedStrategy<SparseTensorProto> {
    (tensor(), tensor(), vec(0..9i64, 0..3))
        .prop_map(|(values, indices, dims)| SparseTensorProto {
            values: Some(values),
            indices: Some(indices),
            dims: Numbers::from(dims),
            ..Default::default()
        })
        .boxed()
}

fn attribute(graph: BoxedStrategy<GraphProto>) -> BoxedStrategy<AttributeProto> {
    let one = prop_oneof![
        any::<f32>().prop_map(|value| AttributeProto { r#type: Some(1), f: Some(value), ..Default::default() }),
        any::<u32>().prop_map(|bits| AttributeProto {
            r#type: Some(1),
            f: Some(f32::from_bits(bits)),
            ..Default::default()
        }),
        any::<i64>().prop_map(|value| AttributeProto { r#type: Some(2), i: Some(value), ..Default::default() }),
        string().prop_map(|value| AttributeProto { r#type: Some(3), s: Some(value), ..Default::default() }),
        tensor().prop_map(|value| AttributeProto { r#type: Some(4), t: Some(value.into()), ..Default::default() }),
        graph.clone().prop_map(|value| AttributeProto { r#type: Some(5), g: Some(value.into()), ..Default::default() }),
        sparse().prop_map(|value| AttributeProto {
            r#type: Some(11),
            sparse_tensor: Some(value.into()),
            ..Default::default()
        }),
        value_type().prop_map(|value| AttributeProto {
            r#type: Some(13),
            tp: Some(value.into()),
            ..Default::default()
        }),
        (1..=14i32, string()).prop_map(|(code, name)| AttributeProto {
            r#type: Some(code),
            ref_attr_name: Some(name),
            ..Default::default()
        }),
    ];
    (string(), prop_oneof![one, list(graph)])
        .prop_map(|(name, attribute)| AttributeProto { name: Some(name), ..attribute })
        .boxed()
}

fn list(graph: BoxedStrategy<GraphProto>) -> BoxedStrategy<AttributeProto> {
    prop_oneof![
        vec(any::<f32>(), 0..4).prop_map(|values| AttributeProto {
            r#type: Some(6),
            floats: Numbers::from(values),
            ..Default::default()
        }),
        vec(any::<i64>(), 0..4).prop_map(|values| AttributeProto {
            r#type: Some(7),
            ints: Numbers::from(values),
            ..Default::default()
        }),
        vec(string(), 0..3).prop_map(|strings| AttributeProto {
            r#type: Some(8),
            strings: strings.into(),
            ..Default::default()
        }),
        vec(tensor(), 0..3).prop_map(|tensors| AttributeProto {
            r#type: Some(9),
            tensors: tensors.into(),
            ..Default::default()
        }),
        vec(graph, 0..3).prop_map(|graphs| AttributeProto {
            r#type: Some(10),
            graphs: graphs.into(),
            ..Default::default()
        }),
        vec(sparse(), 0..2).prop_map(|sparse_tensors| AttributeProto {
            r#type: Some(12),
            sparse_tensors: sparse_tensors.into(),
            ..Default::default()
        }),
        vec(value_type(), 0..3).prop_map(|type_protos| AttributeProto {
            r#type: Some(14),
            type_protos: type_protos.into(),
            ..Default::default()
        }),
    ]
    .boxed()
}

fn node(graph: BoxedStrategy<GraphProto>) -> BoxedStrategy<NodeProto> {
    let names = (option::of(string()), string(), optional_string(), optional_string());
    let values = (vec(string(), 0..4), vec(string(), 0..3), vec(attribute(graph), 0..3));
    (names, values)
        .prop_map(|((name, op_type, domain, overload), (input, output, attribute))| NodeProto {
            name,
            op_type: Some(op_type),
            domain,
            overload,
            input,
            output,
            attribute,
            ..Default::default()
        })
        .boxed()
}

fn graph() -> BoxedStrategy<GraphProto> {
    let leaf = Just(GraphProto { name: Some("leaf".into()), ..Default::default() }).boxed();
    leaf.prop_recursive(2, 8, 2, |inner| {
        let values = (vec(value_info(), 0..3), vec(value_info(), 0..3), vec(value_info(), 0..3));
        let constants = (vec(tensor(), 0..3), vec(sparse(), 0..2));
        (string(), values, constants, vec(node(inner), 0..3)).prop_map(|(name, values, constants, node)| GraphProto {
            name: Some(name),
            input: values.0,
            output: values.1,
            value_info: values.2,
            initializer: constants.0,
            sparse_initializer: constants.1,
            node,
            ..Default::default()
        })
    })
    .boxed()
}

fn function() -> BoxedStrategy<FunctionProto> {
    let names = (string(), option::of(string()), option::of(string()), option::of(string()), imports());
    let values = (vec(string(), 0..3), vec(string(), 0..3), vec(string(), 0..3), vec(value_info(), 0..2));
    let graph = graph();
    let inner = (vec(attribute(graph.clone()), 0..2), vec(node(graph), 0..2));
    (names, values, inner)
        .prop_map(|(names, values, inner)| FunctionProto {
            name: Some(names.0),
            domain: names.1,
            overload: names.2,
            doc_string: names.3,
            opset_import: names.4,
            input: values.0,
            output: values.1,
            attribute: values.2,
            value_info: values.3,
            attribute_proto: inner.0,
            node: inner.1,
            ..Default::default()
        })
        .boxed()
}

/// A model of all that the syntax can say.
pub(crate) fn model() -> impl Strategy<Value = ModelProto> {
    let numbers = (option::of(any::<i64>()), option::of(any::<i64>()), imports(), pairs());
    let strings = (option::of(string()), option::of(string()), option::of(string()), option::of(string()));
    (numbers, strings, graph(), vec(function(), 0..2)).prop_map(|(numbers, strings, graph, functions)| ModelProto {
        ir_version: numbers.0,
        model_version: numbers.1,
        opset_import: numbers.2,
        metadata_props: numbers.3,
        producer_name: strings.0,
        producer_version: strings.1,
        domain: strings.2,
        doc_string: strings.3,
        graph: Some(graph),
        functions,
        ..Default::default()
    })
}

/// The element type of a sequence or optional.
fn element(inner: Option<TypeProto>) -> Box<ElementTypeProto> {
    Box::new(ElementTypeProto { elem_type: inner, ..Default::default() })
}
