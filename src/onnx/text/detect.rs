//! Telling text from binary.

use super::names::{is_identifier_part, is_identifier_start, is_space};

/// Whether a file that begins so is ONNX text rather than a binary model. A few hundred bytes
/// are enough; all of a shorter file, some of a longer one.
///
/// A binary model begins with the key of a field of `ModelProto`: 0x08, 0x12, 0x1a, 0x22,
/// 0x28, 0x32, 0x3a, 0x42, 0x72, or 0xa2, 0xca, 0xd2. Text begins, after space and comments,
/// with `<` (0x3c), or with the name of the graph and `(` or `=>`. Of these only three could
/// be either: `"` (0x22, the domain of the model), `B` (0x42, an operator set) and `r` (0x72,
/// metadata). All three are followed by a length and the first or second also by a key,
/// nearly always control characters. The name of a graph with which a text begins does not
/// have them (after a header `<...>` it may), and neither does anything outside of quotes.
pub fn looks_like_text(first_bytes: &[u8]) -> bool {
    let text = skip_space(first_bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first_bytes));
    let plausible = match text.first() {
        None => first_bytes.contains(&b'#'),
        Some(b'<') => true,
        Some(b'"') => quoted_graph(&text[1..]),
        Some(first) if is_identifier_start(*first) => {
            let name = text.iter().take_while(|byte| is_identifier_part(**byte)).count();
            begins_graph(&text[name..])
        }
        Some(_) => false,
    };
    plausible && is_printable(first_bytes)
}

fn skip_space(mut text: &[u8]) -> &[u8] {
    loop {
        let space = text.iter().take_while(|byte| is_space(**byte)).count();
        text = &text[space..];
        if text.first() != Some(&b'#') {
            return text;
        }
        text = &text[text.iter().take_while(|byte| **byte != b'\n').count()..];
    }
}

/// What follows the name of a graph.
fn begins_graph(text: &[u8]) -> bool {
    let text = skip_space(text);
    text.is_empty() || text.starts_with(b"(") || text.starts_with(b"=>")
}

fn quoted_graph(text: &[u8]) -> bool {
    let end = string_end(text);
    let name = &text[..end.unwrap_or(text.len())];
    !name.iter().any(u8::is_ascii_control) && end.is_none_or(|end| begins_graph(&text[end + 1..]))
}

/// Where the quote is that ends a string.
fn string_end(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    text.iter().position(|byte| {
        let end = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        end
    })
}

/// Whether there are no control characters but in strings and comments.
fn is_printable(mut text: &[u8]) -> bool {
    while let Some(at) = text.iter().position(|byte| matches!(byte, b'"' | b'#')) {
        let (before, rest) = text.split_at(at);
        if before.iter().any(is_control) {
            return false;
        }
        let end = match rest[0] {
            b'#' => rest.iter().position(|byte| *byte == b'\n'),
            _ => string_end(&rest[1..]).map(|end| end + 1),
        };
        text = end.map_or(&[], |end| &rest[end + 1..]);
    }
    !text.iter().any(is_control)
}

fn is_control(byte: &u8) -> bool {
    byte.is_ascii_control() && !is_space(*byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text() {
        let texts = [
            "<ir_version: 8>",
            "# comment\n\n <",
            "g (float x) => (float y) {}",
            "B(float x)",
            "r\n=> ()",
            "\"my graph\" (",
            "\"a \\\" b\" # c\n(",
            "_g",
            "\u{feff}<",
            "\n\t g ()",
            "# only a comment",
            "g (float \"\x01\") # \"\x02\n => ()",
        ];
        for text in texts {
            assert!(looks_like_text(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn binary_is_not_text() {
        let binaries: [&[u8]; 10] = [
            b"\x22\x21a domain that ends with a quote:\"\x28\x00\x3a\x06",
            b"\x08\x08\x12\x07pytorch",
            b"\x12\x07pytorch\x3a\x80",
            b"\x22\x0bcom.example\x28\x01",
            b"\x3a\x80\x01\x0a\x10",
            b"\x42\x02\x10\x11\x3a",
            b"\x42\x0d\x0a\x09ai.onnx.m\x10\x01",
            b"\x72\x30\x0a\x28(((((((((((((((((((((((((((((((((((((((((\x12\x04abcd",
            b"",
            b"   ",
        ];
        for binary in binaries {
            assert!(!looks_like_text(binary), "{binary:?}");
        }
    }
}
