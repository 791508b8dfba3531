//! The wire format: what other writers produce comes back as it was, and what hostile ones
//! produce is refused.

use bn_tool::onnx::schema::ModelProto;
use bn_tool::onnx::wire::{DecodeError, Decoder, Encoder, Input, Message};

fn decode(bytes: &[u8]) -> Result<ModelProto, DecodeError> {
    Decoder::decode(&Input::Memory(bytes.to_vec().into()))
}

fn encode(model: &ModelProto) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out);
    model.encode_fields(&mut encoder).expect("memory can be written");
    encoder.finish().expect("memory can be written");
    assert_eq!(out.len() as u64, model.fields_len());
    out
}

/// A length-delimited field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut len = content.len();
    while len >= 0x80 {
        bytes.push(len as u8 | 0x80);
        len >>= 7;
    }
    bytes.push(len as u8);
    [bytes, content.to_vec()].concat()
}

/// A model whose graph has this one initializer.
fn with_tensor(tensor: &[u8]) -> Vec<u8> {
    field(7, &field(5, tensor))
}

#[track_caller]
fn assert_kept(bytes: &[u8]) {
    assert_eq!(encode(&decode(bytes).expect("it decodes")), bytes);
}

#[track_caller]
fn assert_refused(bytes: &[u8], says: &str) {
    let error = decode(bytes).expect_err("it is refused").to_string();
    assert!(error.contains(says), "`{says}` is not in: {error}");
}

#[test]
fn explicit_defaults_are_kept() {
    assert_kept(&[0x08, 0x00, 0x12, 0x00]);
    assert_kept(&[]);
}

#[test]
fn packed_and_unpacked_numbers_are_kept() {
    assert_kept(&with_tensor(&[0x08, 3, 0x08, 4]));
    assert_kept(&with_tensor(&[0x0a, 2, 3, 4]));
    assert_kept(&with_tensor(&[0x0a, 0]));
    assert_kept(&with_tensor(&[0x22, 4, 0, 0, 0x80, 0x3f]));
    assert_kept(&with_tensor(&[0x25, 0, 0, 0x80, 0x3f, 0x25, 0, 0, 0, 0x40]));
}

#[test]
fn negative_numbers_are_kept() {
    assert_kept(&with_tensor(&[0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]));
}

#[test]
fn unknown_fields_of_every_wire_type_are_kept() {
    let mut bytes = vec![0x08, 8];
    bytes.extend([0xa0, 0x06, 5]);
    bytes.extend([0xa1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8]);
    bytes.extend([0xa2, 0x06, 2, 9, 9]);
    bytes.extend([0xa3, 0x06, 0x08, 1, 0xa4, 0x06]);
    bytes.extend([0xa5, 0x06, 1, 2, 3, 4]);
    assert_kept(&bytes);
}

#[test]
fn strings_that_are_not_utf8_are_kept() {
    assert_kept(&field(6, b"\xc4\xe3\xba\xc3"));
}

#[test]
fn lengths_past_the_end_are_refused() {
    assert_refused(&[0x12, 5, b'a'], "past the end");
    assert_refused(&[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], "past the end");
    // The outer length is right, the inner one leaves it.
    assert_refused(&field(7, &[0x0a, 9]), "field 1 of GraphProto");
}

#[test]
fn malformed_keys_and_varints_are_refused() {
    assert_refused(&[0x00], "field number");
    assert_refused(&[0x0e], "wire type");
    assert_refused(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], "above 64 bits");
    assert_refused(&[0x09, 0, 0, 0, 0, 0, 0, 0, 0], "wrong wire type");
    assert_refused(&[0xa4, 0x06], "end of a group");
}

#[test]
fn nesting_is_limited() {
    // A node whose attribute is a graph of one node whose attribute is a graph …
    let nest = |depth: usize| {
        let graph = (0..depth).fold(Vec::new(), |graph, _| field(1, &field(5, &field(6, &graph))));
        field(7, &graph)
    };
    assert_kept(&nest(33));
    assert_refused(&nest(34), "inside each other");
    assert_refused(&[0xa3, 0x06].repeat(60), "nested too deeply");
}

#[test]
fn a_flood_of_empty_messages_is_refused() {
    let flood = field(7, &[0x0a, 0].repeat(2_000_000));
    assert!(matches!(decode(&flood), Err(DecodeError::TooLarge { .. })));
}

#[test]
fn truncation_anywhere_is_refused_or_a_smaller_message() {
    let whole = std::fs::read(crate::tool::digits()).expect("the fixture is there");
    let ends = (0..400).chain((400..whole.len()).step_by(997));
    for end in ends {
        if let Ok(model) = decode(&whole[..end]) {
            assert_eq!(encode(&model), &whole[..end]);
        }
    }
}
