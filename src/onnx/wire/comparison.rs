//! Is an encoded message what an input has?

use super::encoder::Sink;
use super::{EncodeError, Encoder, Input, Message};
use crate::onnx::payload::Payload;
use std::io;

/// The first byte of the input that encoding the message would not give. Payloads that still
/// are where they would be written are not read.
///
/// # Errors
/// When the input cannot be read.
pub fn first_difference(message: &impl Message, input: &Input) -> io::Result<Option<u64>> {
    let mut comparison = Comparison { input, position: 0, differs: false };
    let mut encoder = Encoder::into_sink(&mut comparison);
    let encoded = message.encode_fields(&mut encoder).and_then(|()| encoder.finish());
    match encoded {
        Err(_) if comparison.differs => Ok(Some(comparison.position)),
        Ok(_) => Ok((comparison.position != input.len()).then_some(comparison.position)),
        Err(EncodeError::Write(error)) => Err(error),
        Err(EncodeError::Payload(error)) => Err(io::Error::other(error)),
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
