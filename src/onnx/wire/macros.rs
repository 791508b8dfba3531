//! The schema as a table: field number, name, type.

/// Declares messages: a struct with public fields and the [`Message`](super::Message) that
/// reads and writes them in the order of their numbers, and keeps unknown fields.
macro_rules! message {
    ($($(#[$doc:meta])* $name:ident { $($number:literal $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[allow(missing_docs, reason = "the fields are documented by the ONNX schema")]
        pub struct $name {
            $(pub $field: $type,)*
            pub unknown: $crate::onnx::wire::Unknown,
        }

        impl $crate::onnx::wire::Message for $name {
            const NAME: &'static str = stringify!($name);

            fn merge_field(
                &mut self,
                number: u32,
                wire: $crate::onnx::wire::WireType,
                input: &mut $crate::onnx::wire::Decoder,
            ) -> Result<(), $crate::onnx::wire::DecodeError> {
                match number {
                    $($number => $crate::onnx::wire::Field::merge(&mut self.$field, wire, input),)*
                    _ => self.unknown.merge(number, wire, input),
                }
            }

            fn fields_len(&self) -> u64 {
                0 $(+ $crate::onnx::wire::Field::encoded_len(&self.$field, $number))* + self.unknown.encoded_len()
            }

            fn encode_fields(
                &self,
                out: &mut $crate::onnx::wire::Encoder,
            ) -> Result<(), $crate::onnx::wire::EncodeError> {
                $($crate::onnx::wire::Field::encode(&self.$field, $number, out)?;)*
                self.unknown.encode(out)
            }
        }
    )*};
}
pub(crate) use message;
