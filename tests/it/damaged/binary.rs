//! Edits of protobuf, field by field: lengths around an edit are made right again, so that it
//! is the edit that has to be coped with, and not a wrong length before it.

use super::edit::{Edit, NUMBERS, pick};

/// A field: its number and what it holds.
#[derive(Clone, Debug)]
struct Field {
    number: u64,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Varint(u64),
    Fixed(Vec<u8>),
    Bytes(Vec<u8>),
    /// Bytes that can be read as fields, and so may be a message.
    Message(Vec<Field>),
}

/// A message after `edits`, with material from a `donor`. What is no message is edited byte by
/// byte.
pub fn edited(bytes: &[u8], donor: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for edit in edits {
        match fields(&bytes).filter(|_| edit.kind % 4 != 0) {
            Some(mut message) => {
                let donor = fields(donor).unwrap_or_default();
                edit_message(&mut message, &donor, *edit);
                bytes = encoded(&message);
            }
            None => edit_bytes(&mut bytes, donor, *edit),
        }
    }
    bytes
}

fn edit_bytes(bytes: &mut Vec<u8>, donor: &[u8], Edit { kind, at, with }: Edit) {
    let at = at as usize % bytes.len().max(1);
    match kind / 4 % 5 {
        _ if bytes.is_empty() => bytes.extend(donor),
        0 => bytes[at] ^= 1 << (with % 8),
        1 => bytes.truncate(at),
        2 => bytes[at] = with as u8,
        3 => {
            let mut varint = Vec::new();
            put_varint(&mut varint, pick(&NUMBERS, with).copied().unwrap_or_default());
            bytes.splice(at..at, varint);
        }
        _ => {
            let from = with as usize % donor.len().max(1);
            bytes.splice(at.., donor[from.min(donor.len())..].iter().copied());
        }
    }
}

fn edit_message(message: &mut Vec<Field>, donor: &[Field], Edit { kind, at, with }: Edit) {
    let chosen = at as usize % count(message).max(1);
    let Some((list, index)) = find(message, chosen) else { return message.extend(donor.iter().cloned()) };
    let field = list[index].clone();
    match kind / 4 % 7 {
        0 => drop(list.remove(index)),
        1 => list.insert(index, field),
        2 => {
            let other = with as usize % list.len();
            list.swap(index, other);
        }
        3 => list[index].number = u64::from(with % 31 + 1),
        4 => list[index].content = Content::Varint(pick(&NUMBERS, with).copied().unwrap_or_default()),
        5 => {
            let mut donor = donor.to_vec();
            let chosen = with as usize % count(&donor).max(1);
            if let Some((from, at)) = find(&mut donor, chosen) {
                list.insert(index, from[at].clone());
            }
        }
        _ => {
            let mut bytes = content_bytes(&field.content);
            bytes.truncate(with as usize % (bytes.len() + 1));
            list[index].content = Content::Bytes(bytes);
        }
    }
}

/// The number of fields, with those inside.
fn count(fields: &[Field]) -> usize {
    let inside = |field: &Field| if let Content::Message(inner) = &field.content { count(inner) } else { 0 };
    fields.iter().map(|field| 1 + inside(field)).sum()
}

/// The `wanted`th field in order of appearance: the list that it is in, and its place there.
fn find(fields: &mut Vec<Field>, mut wanted: usize) -> Option<(&mut Vec<Field>, usize)> {
    let mut place = None;
    for (index, field) in fields.iter().enumerate() {
        let size = count(std::slice::from_ref(field));
        if wanted < size {
            place = Some(index);
            break;
        }
        wanted -= size;
    }
    let place = place?;
    if wanted == 0 {
        return Some((fields, place));
    }
    match &mut fields[place].content {
        Content::Message(inner) => find(inner, wanted - 1),
        _ => None,
    }
}

/// Bytes as fields, if they can be read so.
fn fields(mut bytes: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let content = match key & 7 {
            0 => Content::Varint(varint(&mut bytes)?),
            1 => Content::Fixed(bytes.split_off(..8)?.to_vec()),
            5 => Content::Fixed(bytes.split_off(..4)?.to_vec()),
            2 => {
                let len = usize::try_from(varint(&mut bytes)?).ok()?;
                let content = bytes.split_off(..len)?;
                let message = self::fields(content).filter(|fields| !fields.is_empty());
                message.map_or_else(|| Content::Bytes(content.to_vec()), Content::Message)
            }
            _ => return None,
        };
        fields.push(Field { number: key >> 3, content });
    }
    Some(fields)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn encoded(fields: &[Field]) -> Vec<u8> {
    let mut out = Vec::new();
    for Field { number, content } in fields {
        let wire = match content {
            Content::Varint(_) => 0,
            Content::Fixed(bytes) if bytes.len() == 8 => 1,
            Content::Fixed(_) => 5,
            Content::Bytes(_) | Content::Message(_) => 2,
        };
        put_varint(&mut out, number << 3 | wire);
        let bytes = content_bytes(content);
        if wire == 2 {
            put_varint(&mut out, bytes.len() as u64);
        }
        out.extend(bytes);
    }
    out
}

fn content_bytes(content: &Content) -> Vec<u8> {
    match content {
        Content::Varint(value) => {
            let mut out = Vec::new();
            put_varint(&mut out, *value);
            out
        }
        Content::Fixed(bytes) | Content::Bytes(bytes) => bytes.clone(),
        Content::Message(fields) => encoded(fields),
    }
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
