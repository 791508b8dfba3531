//! Lists that are empty in nearly all messages.

use super::{DecodeError, Decoder, EncodeError, Encoder, Field, Value, WireType};
use std::ops::{Deref, DerefMut};

/// A list that is empty in nearly all messages: eight bytes there, not 24.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::box_collection, reason = "that is what it is for")]
pub struct Rare<V>(Option<Box<Vec<V>>>);

impl<V> Rare<V> {
    /// Appends a value.
    pub fn push(&mut self, value: V) {
        self.0.get_or_insert_default().push(value);
    }
}

impl<V> Default for Rare<V> {
    fn default() -> Self {
        Rare(None)
    }
}

impl<V> From<Vec<V>> for Rare<V> {
    fn from(values: Vec<V>) -> Self {
        Rare((!values.is_empty()).then(|| Box::new(values)))
    }
}

impl<V> Deref for Rare<V> {
    type Target = [V];

    fn deref(&self) -> &[V] {
        self.0.as_ref().map_or(&[], |values| values)
    }
}

impl<V> DerefMut for Rare<V> {
    fn deref_mut(&mut self) -> &mut [V] {
        self.0.as_mut().map_or(&mut [], |values| values)
    }
}

impl<'a, V> IntoIterator for &'a Rare<V> {
    type Item = &'a V;
    type IntoIter = std::slice::Iter<'a, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, V> IntoIterator for &'a mut Rare<V> {
    type Item = &'a mut V;
    type IntoIter = std::slice::IterMut<'a, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<V: Value> Field for Rare<V> {
    fn merge(&mut self, wire: WireType, input: &mut Decoder) -> Result<(), DecodeError> {
        if self.0.is_none() {
            input.charge(size_of::<Vec<V>>() as u64)?;
        }
        self.0.get_or_insert_default().merge(wire, input)
    }

    fn encoded_len(&self, number: u32) -> u64 {
        self.0.as_ref().map_or(0, |values| values.encoded_len(number))
    }

    fn encode(&self, number: u32, out: &mut Encoder) -> Result<(), EncodeError> {
        self.0.as_ref().map_or(Ok(()), |values| values.encode(number, out))
    }
}
