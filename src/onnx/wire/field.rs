//! How each kind of field is read and written.

use super::encoder::delimited_len;
use super::{DecodeError, Decoder, EncodeError, Encoder, WireType};
use crate::onnx::payload::Payload;
use bstr::BString;

/// A message of the schema; implemented by the `message!` table in `schema.rs`.
pub trait Message: Default {
    /// The name in the ONNX schema.
    const NAME: &'static str;

    /// What an empty one allocates, in bytes.
    const HEAP: u64 = 0;

    /// Reads one field, known or unknown.
    ///
    /// # Errors
    /// When the bytes are not a field of this message.
    fn merge_field(&mut self, number: u32, wire: WireType, input: &mut Decoder) -> Result<(), DecodeError>;

    /// The number of bytes of all fields.
    fn fields_len(&self) -> u64;

    /// Writes all fields.
    ///
    /// # Errors
    /// When the output cannot be written, or a payload cannot be read or scaled.
    fn encode_fields(&self, out: &mut Encoder) -> Result<(), EncodeError>;
}

impl<M: Message> Message for Box<M> {
    const NAME: &'static str = M::NAME;
    const HEAP: u64 = size_of::<M>() as u64;

    fn merge_field(&mut self, number: u32, wire: WireType, input: &mut Decoder) -> Result<(), DecodeError> {
        (**self).merge_field(number, wire, input)
    }

    fn fields_len(&self) -> u64 {
        (**self).fields_len()
    }

    fn encode_fields(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        (**self).encode_fields(out)
    }
}

/// One value: what `optional` and `repeated` fields consist of.
pub trait Value: Default {
    /// What an empty one allocates, in bytes.
    const HEAP: u64 = 0;

    /// Reads a value over this one (messages merge, all else is replaced).
    ///
    /// # Errors
    /// When the bytes are not such a value.
    fn merge(&mut self, wire: WireType, input: &mut Decoder) -> Result<(), DecodeError>;

    /// The number of bytes with the key.
    fn encoded_len(&self, number: u32) -> u64;

    /// Writes key and value.
    ///
    /// # Errors
    /// When the output cannot be written, or a payload cannot be read or scaled.
    fn encode(&self, number: u32, out: &mut Encoder) -> Result<(), EncodeError>;
}

/// A field of a message: optional, repeated, or of a kind of its own.
pub trait Field: Default {
    /// Reads one occurrence of the field.
    ///
    /// # Errors
    /// When the bytes are not such a field.
    fn merge(&mut self, wire: WireType, input: &mut Decoder) -> Result<(), DecodeError>;

    /// The number of bytes of all occurrences.
    fn encoded_len(&self, number: u32) -> u64;

    /// Writes all occurrences.
    ///
    /// # Errors
    /// When the output cannot be written, or a payload cannot be read or scaled.
    fn encode(&self, number: u32, out: &mut Encoder) -> Result<(), EncodeError>;
}

impl<V: Value> Field for Option<V> {
    fn merge(&mut self, wire: WireType, input: &mut Decoder) -> Result<(), DecodeError> {
        if self.is_none() {
            input.charge(V::HEAP)?;
        }
        self.get_or_insert_default().merge(wire, input)
    }

    fn encoded_len(&self, number: u32) -> u64 {
        self.as_ref().map_or(0, |value| value.encoded_len(number))
    }

    fn encode(&self, number: u32, out: &mut Encoder) -> Result<(), EncodeError> {
        self.as_ref().map_or(Ok(()), |value| value.encode(number, out))
    }
}

impl<V: Value> Field for Vec<V> {
    fn merge(&mut self, wire: WireType, input: &mut Decoder) -> Result<(), DecodeError> {
        if self.len() == self.capacity() {
            // Exactly what a short list needs: there are many of them. A long one doubles.
            let more = input.run_length().max(self.len());
            input.charge((more * size_of::<V>()) as u64)?;
            self.reserve_exact(more);
        }
        let mut value = V::default();
        value.merge(wire, input)?;
        self.push(value);
        Ok(())
    }

    fn encoded_len(&self, number: u32) -> u64 {
        self.iter().map(|value| value.encoded_len(number)).sum()
    }

    fn encode(&self, number: u32, out: &mut Encoder) -> Result<(), EncodeError> {
        self.iter().try_for_each(|value| value.encode(number, out))
    }
}

impl<M: Message> Value for M {
    const HEAP: u64 = M::HEAP;

    fn merge(&mut self, wire: WireType, input: &mut Decoder) -> Result<(), DecodeError> {
        input.nested(wire, self)
    }

    fn encoded_len(&self, number: u32) -> u64 {
        delimited_len(number, self.fields_len())
    }

    fn encode(&self, number: u32, out: &mut Encoder) -> Result<(), EncodeError> {
        out.key(number, WireType::Bytes)?;
        out.varint(self.fields_len())?;
        self.encode_fields(out)
    }
}

impl Value for Box<BString> {
    fn merge(&mut self, wire: WireType, input: &mut Decoder) -> Result<(), DecodeError> {
        (**self).merge(wire, input)
    }

    fn encoded_len(&self, number: u32) -> u64 {
        (**self).encoded_len(number)
    }

    fn encode(&self, number: u32, out: &mut Encoder) -> Result<(), EncodeError> {
        (**self).encode(number, out)
    }
}

impl Value for BString {
    fn merge(&mut self, wire: WireType, input: &mut Decoder) -> Result<(), DecodeError> {
        *self = input.bytes(wire)?.into();
        Ok(())
    }

    fn encoded_len(&self, number: u32) -> u64 {
        delimited_len(number, self.len() as u64)
    }

    fn encode(&self, number: u32, out: &mut Encoder) -> Result<(), EncodeError> {
        out.key(number, WireType::Bytes)?;
        out.varint(self.len() as u64)?;
        out.put(self)
    }
}

impl Value for Payload {
    fn merge(&mut self, wire: WireType, input: &mut Decoder) -> Result<(), DecodeError> {
        *self = input.payload(wire)?;
        Ok(())
    }

    fn encoded_len(&self, number: u32) -> u64 {
        delimited_len(number, self.len())
    }

    fn encode(&self, number: u32, out: &mut Encoder) -> Result<(), EncodeError> {
        out.key(number, WireType::Bytes)?;
        out.varint(self.len())?;
        out.payload(self)
    }
}
