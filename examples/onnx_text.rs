//! Converts between binary models and text: `print FILE [--weights]`, `to-binary TEXT OUT`.

use bn_tool::onnx::text::{PrintOptions, parse, print};
use bn_tool::onnx::wire::{Encoder, Message as _};
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["print", model, ref options @ ..] => {
            let options = PrintOptions { weights: options.contains(&"--weights") };
            Ok(print(&bn_tool::onnx::load(Path::new(model))?, &options, &mut io::stdout().lock())?)
        }
        ["to-binary", text, out] => {
            let model = parse(fs::read(text)?).map_err(|error| format!("{error}\n{}", error.snippet()))?;
            let mut file = BufWriter::new(File::create(out)?);
            let mut encoder = Encoder::new(&mut file);
            model.encode_fields(&mut encoder)?;
            encoder.finish()?;
            Ok(())
        }
        _ => Err("usage: print FILE [--weights] | to-binary TEXT OUT".into()),
    }
}
