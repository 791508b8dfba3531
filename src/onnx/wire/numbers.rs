//! Numbers: alone, repeated, and repeated with a fixed width.

use super::encoder::delimited_len;
use super::{DecodeError, Decoder, EncodeError, Encoder, Field, Value, WireType, key_len, varint_len};
use crate::onnx::payload::Payload;
use std::ops::{Deref, DerefMut};

/// A number of the schema.
pub trait Number: Copy + Default {
    /// How one number is written.
    const WIRE: WireType;

    /// Reads the number without its key.
    ///
    /// # Errors
    /// When the bytes end too early.
    fn read(input: &mut Decoder) -> Result<Self, DecodeError>;

    /// The number of bytes without the key.
    fn encoded_size(self) -> u64;

    /// Writes the number without its key.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn write(self, out: &mut Encoder) -> Result<(), EncodeError>;
}

macro_rules! varint_number {
    ($($type:ty),*) => {$(
        impl Number for $type {
            const WIRE: WireType = WireType::Varint;

            // Protobuf sign-extends negative int32 to ten bytes and truncates what is wider.
            fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
                Ok(input.varint()? as $type)
            }

            fn encoded_size(self) -> u64 {
                varint_len(self as u64)
            }

            fn write(self, out: &mut Encoder) -> Result<(), EncodeError> {
                out.varint(self as u64)
            }
        }
    )*};
}
varint_number!(i32, i64, u64);

impl Number for f32 {
    const WIRE: WireType = WireType::Fixed32;

    fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        Ok(f32::from_le_bytes(input.array()?))
    }

    fn encoded_size(self) -> u64 {
        4
    }

    fn write(self, out: &mut Encoder) -> Result<(), EncodeError> {
        out.put(&self.to_le_bytes())
    }
}

macro_rules! number_value {
    ($($type:ty),*) => {$(
        impl Value for $type {
            fn merge(&mut self, wire: WireType, input: &mut Decoder) -> Result<(), DecodeError> {
                input.expect(wire, <$type as Number>::WIRE)?;
                *self = Number::read(input)?;
                Ok(())
            }

            fn encoded_len(&self, number: u32) -> u64 {
                key_len(number) + Number::encoded_size(*self)
            }

            fn encode(&self, number: u32, out: &mut Encoder) -> Result<(), EncodeError> {
                out.key(number, <$type as Number>::WIRE)?;
                self.write(out)
            }
        }
    )*};
}
number_value!(i32, i64, u64, f32);

/// Repeated numbers, which remember whether they came packed (one length for all) or not
/// (one key each): proto2 and proto3 writers differ, and both shall get their bytes back.
/// Without numbers it takes eight bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers<T>(Option<Box<List<T>>>);

#[derive(Clone, Debug, PartialEq)]
struct List<T> {
    values: Vec<T>,
    packed: bool,
}

impl<T> Numbers<T> {
    fn new(values: Vec<T>, packed: bool) -> Self {
        Numbers((!values.is_empty()).then(|| Box::new(List { values, packed })))
    }

    /// The numbers.
    pub fn as_slice(&self) -> &[T] {
        self
    }

    /// Appends a number.
    pub fn push(&mut self, value: T) {
        self.list().values.push(value);
    }

    fn list(&mut self) -> &mut List<T> {
        self.0.get_or_insert_with(|| Box::new(List { values: Vec::new(), packed: false }))
    }
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Numbers(None)
    }
}

impl<T> From<Vec<T>> for Numbers<T> {
    fn from(values: Vec<T>) -> Self {
        Numbers::new(values, false)
    }
}

impl<T> Deref for Numbers<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.as_ref().map_or(&[], |list| &list.values)
    }
}

impl<T> DerefMut for Numbers<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.0.as_mut().map_or(&mut [], |list| &mut list.values)
    }
}

impl<T: Number> List<T> {
    fn push_one(&mut self, input: &mut Decoder) -> Result<(), DecodeError> {
        if self.values.len() == self.values.capacity() {
            // Three numbers fit the smallest piece of memory that there is.
            let more = self.values.len().max(3);
            input.charge((more * size_of::<T>()) as u64)?;
            self.values.reserve_exact(more);
        }
        self.values.push(T::read(input)?);
        Ok(())
    }

    fn packed_len(&self) -> u64 {
        self.values.iter().map(|value| value.encoded_size()).sum()
    }
}

impl<T: Number> Field for Numbers<T> {
    fn merge(&mut self, wire: WireType, input: &mut Decoder) -> Result<(), DecodeError> {
        if self.0.is_none() {
            input.charge(size_of::<List<T>>() as u64)?;
        }
        let list = self.list();
        if wire == WireType::Bytes {
            list.packed = true;
            return input.packed(|input| list.push_one(input));
        }
        input.expect(wire, T::WIRE)?;
        list.push_one(input)
    }

    fn encoded_len(&self, number: u32) -> u64 {
        match &self.0 {
            None => 0,
            Some(list) if list.packed => delimited_len(number, list.packed_len()),
            Some(list) => list.packed_len() + list.values.len() as u64 * key_len(number),
        }
    }

    fn encode(&self, number: u32, out: &mut Encoder) -> Result<(), EncodeError> {
        let Some(list) = &self.0 else { return Ok(()) };
        if list.packed {
            out.key(number, WireType::Bytes)?;
            out.varint(list.packed_len())?;
            return list.values.iter().try_for_each(|value| value.write(out));
        }
        list.values.iter().try_for_each(|value| {
            out.key(number, T::WIRE)?;
            value.write(out)
        })
    }
}

/// Repeated numbers of `W` bytes each (`float_data`, `double_data`), kept as the wire has
/// them: packed, they are the same little-endian bytes as `raw_data` and as large.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fixed<const W: usize>(Option<Box<FixedList>>);

#[derive(Clone, Debug, Default, PartialEq)]
struct FixedList {
    payload: Payload,
    unpacked: bool,
}

impl<const W: usize> Fixed<W> {
    const WIRE: WireType = if W == 4 { WireType::Fixed32 } else { WireType::Fixed64 };

    /// The numbers as little-endian bytes, if the field is there.
    pub fn payload(&self) -> Option<&Payload> {
        self.0.as_ref().map(|list| &list.payload)
    }

    /// Replaces the numbers; `None` removes the field.
    pub fn set(&mut self, payload: Option<Payload>) {
        *self = Fixed(payload.map(|payload| Box::new(FixedList { payload, unpacked: false })));
    }
}

impl<const W: usize> Field for Fixed<W> {
    fn merge(&mut self, wire: WireType, input: &mut Decoder) -> Result<(), DecodeError> {
        let unpacked = wire != WireType::Bytes;
        let more = if unpacked {
            input.expect(wire, Self::WIRE)?;
            Payload::Memory(input.array::<W>()?.to_vec().into())
        } else {
            let payload = input.payload(wire)?;
            if !payload.len().is_multiple_of(W as u64) {
                return Err(input.malformed("a packed field of a broken length"));
            }
            payload
        };
        match &mut self.0 {
            None => self.0 = Some(Box::new(FixedList { payload: more, unpacked })),
            Some(list) => {
                input.charge(more.len())?;
                list.payload.append(&more)?;
                list.unpacked |= unpacked;
            }
        }
        Ok(())
    }

    fn encoded_len(&self, number: u32) -> u64 {
        match &self.0 {
            None => 0,
            Some(list) if list.unpacked => list.payload.len() + list.payload.len() / W as u64 * key_len(number),
            Some(list) => list.payload.encoded_len(number),
        }
    }

    fn encode(&self, number: u32, out: &mut Encoder) -> Result<(), EncodeError> {
        let Some(list) = &self.0 else { return Ok(()) };
        if !list.unpacked {
            return list.payload.encode(number, out);
        }
        let mut element = [0u8; W];
        (0..list.payload.len()).step_by(W).try_for_each(|offset| {
            list.payload.read(offset, &mut element)?;
            out.key(number, Self::WIRE)?;
            out.put(&element)
        })
    }
}
