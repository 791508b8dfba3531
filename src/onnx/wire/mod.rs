//! The protobuf wire format, as ONNX needs it.
//!
//! A codec of our own (and not prost's, whose `Buf`/`BufMut` can neither
//! report errors nor hand out anything but memory), because three things matter here:
//!
//! * **weights stay in the file**: a large payload decodes to a range of the input
//!   ([`Payload`](super::payload::Payload)), which can only be read with `pread`;
//!   dereferencing it by accident does not compile;
//! * **what came in goes out**: field presence, packed or unpacked repetition, unknown
//!   fields and strings that are not UTF-8 survive byte for byte;
//! * **hostile input is bounded**: lengths are checked before they are believed, nesting is
//!   limited, and decoding may allocate only in proportion to the size of the file.
//!
//! Format: <https://protobuf.dev/programming-guides/encoding/>.

mod comparison;
mod decoder;
mod encoder;
mod field;
mod hash;
mod input;
mod macros;
mod numbers;
mod rare;
mod unknown;

pub use comparison::first_difference;
pub use decoder::{DecodeError, Decoder};
pub use encoder::{EncodeError, Encoder};
pub use field::{Field, Message, Value};
pub use hash::encoding_hash;
pub use input::Input;
pub(crate) use macros::message;
pub use numbers::{Fixed, Number, Numbers};
pub use rare::Rare;
pub use unknown::Unknown;

/// How a field is laid out on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireType {
    /// A base-128 integer of one to ten bytes.
    Varint,
    /// Eight bytes, little-endian.
    Fixed64,
    /// A length, then as many bytes.
    Bytes,
    /// The start of a group (obsolete; only met in unknown fields).
    StartGroup,
    /// The end of a group.
    EndGroup,
    /// Four bytes, little-endian.
    Fixed32,
}

impl WireType {
    /// The three low bits of a field's key.
    pub fn code(self) -> u64 {
        match self {
            WireType::Varint => 0,
            WireType::Fixed64 => 1,
            WireType::Bytes => 2,
            WireType::StartGroup => 3,
            WireType::EndGroup => 4,
            WireType::Fixed32 => 5,
        }
    }

    /// The wire type of a key's three low bits, unless they mean nothing.
    pub fn from_code(code: u64) -> Option<Self> {
        Some(match code {
            0 => WireType::Varint,
            1 => WireType::Fixed64,
            2 => WireType::Bytes,
            3 => WireType::StartGroup,
            4 => WireType::EndGroup,
            5 => WireType::Fixed32,
            _ => return None,
        })
    }
}

/// The number of bytes that `value` takes as a varint: 1 to 10.
pub fn varint_len(value: u64) -> u64 {
    u64::from((70 - (value | 1).leading_zeros()) / 7)
}

/// The number of bytes that a field's key takes.
pub fn key_len(number: u32) -> u64 {
    varint_len(u64::from(number) << 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varint_lengths_at_the_edges() {
        for bytes in 1..=9u32 {
            let last = (1u64 << (7 * bytes)) - 1;
            assert_eq!(varint_len(last), u64::from(bytes));
            assert_eq!(varint_len(last + 1), u64::from(bytes) + 1);
        }
        assert_eq!(varint_len(0), 1);
        assert_eq!(varint_len(u64::MAX), 10);
    }
}
