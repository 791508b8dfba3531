//! The command-line tool.
use bn_tool::onnx::{
    load,
    wire::{Encoder, Message as _},
};
fn main() {
    // Round trip, for now.
    for path in std::env::args().skip(1) {
        let model = load(std::path::Path::new(&path)).unwrap();
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out);
        model.encode_fields(&mut encoder).unwrap();
        encoder.finish().unwrap();
        assert_eq!(out.len() as u64, model.fields_len());
        println!("{path} {}", out == std::fs::read(&path).unwrap());
    }
}
