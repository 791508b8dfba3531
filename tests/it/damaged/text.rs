//! Edits of text, token by token and line by line.

use super::edit::{Edit, NUMBERS, pick};

/// Words of the syntax that a text may lack.
const WORDS: [&str; 24] = [
    "-1",
    "0.5",
    "1e39",
    "-inf",
    "nan",
    "\"\"",
    "\"a b\"",
    "...",
    "?",
    "[]",
    "seq(float[1])",
    "float16",
    "bfloat16",
    "int64",
    "string",
    "sparse_tensor",
    "optional",
    "map(string, float)",
    "@alpha",
    "ints",
    "tensor",
    "graph",
    "# ",
    "<>",
];

/// A text after `edits`, with material from a `donor`.
pub fn edited(text: &[u8], donor: &[u8], edits: &[Edit]) -> Vec<u8> {
    let (mut text, donor) = (tokens(text), tokens(donor));
    for edit in edits {
        apply(&mut text, &donor, *edit);
    }
    text.concat()
}

fn apply(text: &mut Vec<Vec<u8>>, donor: &[Vec<u8>], Edit { kind, at, with }: Edit) {
    let at = at as usize % text.len().max(1);
    let number = || {
        pick(&NUMBERS, with).map(|number| if with & 64 == 0 { *number as i64 } else { (*number as i64).wrapping_neg() })
    };
    match kind % 10 {
        _ if text.is_empty() => text.extend(donor.iter().cloned()),
        0 => drop(text.remove(at)),
        1 => text.insert(at, text[at].clone()),
        2 => {
            let other = with as usize % text.len();
            text.swap(at, other);
        }
        3 => text[at] = pick(donor, with).cloned().unwrap_or_default(),
        4 => text[at] = pick(&WORDS, with).map_or(Vec::new(), |word| word.as_bytes().to_vec()),
        5 => text[at] = number().map_or(Vec::new(), |number| number.to_string().into()),
        6 => drop(text.drain(line(text, at))),
        7 => _ = text.splice(line(text, at), donor[line(donor, with as usize % donor.len().max(1))].to_vec()),
        8 => {
            let line = text[line(text, at)].to_vec();
            text.splice(at..at, line);
        }
        _ => {
            // The names of values: whoever reads another one's makes the graph a different one.
            let names: Vec<usize> = (0..text.len()).filter(|index| text[*index][0].is_ascii_alphabetic()).collect();
            if let (Some(to), Some(from)) = (pick(&names, at as u32), pick(&names, with)) {
                text[*to] = text[*from].clone();
            }
        }
    }
}

/// The tokens of the line that has this one, with its end.
fn line(tokens: &[Vec<u8>], at: usize) -> std::ops::Range<usize> {
    let ends = |token: &Vec<u8>| token.first() == Some(&b'\n');
    let start = tokens[..at.min(tokens.len())].iter().rposition(ends).map_or(0, |end| end + 1);
    let end = tokens[start..].iter().position(ends).map_or(tokens.len(), |end| start + end + 1);
    start..end
}

/// Words and numbers, quoted strings, and single bytes.
fn tokens(mut text: &[u8]) -> Vec<Vec<u8>> {
    let mut tokens = Vec::new();
    while let Some(first) = text.first() {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.+-".contains(byte);
        let len = match first {
            b'"' => text[1..].iter().position(|byte| *byte == b'"').map_or(1, |end| end + 2),
            _ => text.iter().take_while(|byte| is_word(byte)).count().max(1),
        };
        let (token, rest) = text.split_at(len);
        tokens.push(token.to_vec());
        text = rest;
    }
    tokens
}
