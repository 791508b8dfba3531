//! Are encoded bytes what an input has?

use super::encoder::Sink;
use super::{EncodeError, Encoder, Input};
use crate::onnx::payload::Payload;
use std::io;

/// The first byte of the input that `encode` would not give. Payloads that still are where they
/// would be written are not read.
///
/// # Errors
/// When the input, or a payload, cannot be read, or a scaled payload does not fit its type.
pub fn first_difference(
    input: &Input,
    encode: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>,
) -> Result<Option<u64>, EncodeError> {
    let mut comparison = Comparison { input, position: 0, differs: false };
    let mut encoder = Encoder::into_sink(&mut comparison);
    let encoded = encode(&mut encoder).and_then(|()| encoder.finish());
    match encoded {
        Err(EncodeError::Write(_)) if comparison.differs => Ok(Some(comparison.position)),
        encoded => encoded.map(|_| (comparison.position != input.len()).then_some(comparison.position)),
    }
}

/// Takes bytes as long as the input has them, too.
struct Comparison<'i> {
    input: &'i Input,
    /// So many bytes are the same.
    position: u64,
    differs: bool,
}

impl Sink for Comparison<'_> {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        let wanted = (self.input.len() - self.position).min(bytes.len() as u64);
        let own = self.input.read(self.position, wanted)?;
        let same = bytes.iter().zip(&own).take_while(|(a, b)| a == b).count();
        self.position += same as u64;
        self.differs = same < bytes.len();
        if self.differs { Err(io::ErrorKind::InvalidData.into()) } else { Ok(()) }
    }

    fn has(&self, payload: &Payload, position: u64) -> bool {
        matches!((payload, self.input), (Payload::File(slice), Input::File(file)) if slice.starts_at(file, position))
    }

    fn skip(&mut self, len: u64) {
        self.position += len;
    }
}
