//! Fields that this version of the schema does not know.

use super::{DecodeError, Decoder, EncodeError, Encoder, WireType};

/// Unknown fields as they came, keys included; written again after the known ones, as the
/// C++ implementation does.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(clippy::box_collection, reason = "there is one in each of a million messages: eight bytes, not 24")]
pub struct Unknown(Option<Box<Vec<u8>>>);

impl Unknown {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn merge(&mut self, number: u32, wire: WireType, input: &mut Decoder) -> Result<(), DecodeError> {
        if self.0.is_none() {
            // The vector, and the first bytes in it.
            input.charge(64)?;
        }
        copy_field(self.0.get_or_insert_default(), number, wire, input, 50)
    }

    pub(crate) fn encoded_len(&self) -> u64 {
        self.0.as_ref().map_or(0, |bytes| bytes.len() as u64)
    }

    pub(crate) fn encode(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        self.0.as_ref().map_or(Ok(()), |bytes| out.put(bytes))
    }
}

fn copy_field(
    to: &mut Vec<u8>,
    number: u32,
    wire: WireType,
    input: &mut Decoder,
    nesting: u32,
) -> Result<(), DecodeError> {
    push_varint(to, u64::from(number) << 3 | wire.code());
    match wire {
        WireType::Varint => push_varint(to, input.varint()?),
        WireType::Fixed32 => to.extend(input.array::<4>()?),
        WireType::Fixed64 => to.extend(input.array::<8>()?),
        WireType::Bytes => {
            let bytes = input.bytes(wire)?;
            push_varint(to, bytes.len() as u64);
            to.extend(bytes);
        }
        WireType::StartGroup if nesting > 0 => loop {
            let (inner, wire) = input.key()?;
            if wire == WireType::EndGroup && inner == number {
                push_varint(to, u64::from(number) << 3 | wire.code());
                break;
            }
            copy_field(to, inner, wire, input, nesting - 1)?;
        },
        WireType::StartGroup => return Err(input.malformed("groups nested too deeply")),
        WireType::EndGroup => return Err(input.malformed("an unexpected end of a group")),
    }
    Ok(())
}

fn push_varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}
