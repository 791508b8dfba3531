//! Element types: what a tensor consists of, and floating-point numbers as f64.

mod float;
mod scaling;

pub use float::FloatType;
pub use scaling::Scaling;

/// `TensorProto.DataType` of the ONNX schema, up to IR version 14.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[allow(missing_docs, reason = "the names say it all")]
pub enum DataType {
    Float = 1,
    Uint8 = 2,
    Int8 = 3,
    Uint16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    Uint32 = 12,
    Uint64 = 13,
    Complex64 = 14,
    Complex128 = 15,
    Bfloat16 = 16,
    Float8e4m3fn = 17,
    Float8e4m3fnuz = 18,
    Float8e5m2 = 19,
    Float8e5m2fnuz = 20,
    Uint4 = 21,
    Int4 = 22,
    Float4e2m1 = 23,
    Float8e8m0 = 24,
    Uint2 = 25,
    Int2 = 26,
    Float6e2m3 = 27,
    Float6e3m2 = 28,
}

impl DataType {
    /// All types: code in the schema, name in ONNX text, bits per element (0: not fixed).
    pub const ALL: [(DataType, &'static str, u32); 28] = [
        (DataType::Float, "float", 32),
        (DataType::Uint8, "uint8", 8),
        (DataType::Int8, "int8", 8),
        (DataType::Uint16, "uint16", 16),
        (DataType::Int16, "int16", 16),
        (DataType::Int32, "int32", 32),
        (DataType::Int64, "int64", 64),
        (DataType::String, "string", 0),
        (DataType::Bool, "bool", 8),
        (DataType::Float16, "float16", 16),
        (DataType::Double, "double", 64),
        (DataType::Uint32, "uint32", 32),
        (DataType::Uint64, "uint64", 64),
        (DataType::Complex64, "complex64", 64),
        (DataType::Complex128, "complex128", 128),
        (DataType::Bfloat16, "bfloat16", 16),
        (DataType::Float8e4m3fn, "float8e4m3fn", 8),
        (DataType::Float8e4m3fnuz, "float8e4m3fnuz", 8),
        (DataType::Float8e5m2, "float8e5m2", 8),
        (DataType::Float8e5m2fnuz, "float8e5m2fnuz", 8),
        (DataType::Uint4, "uint4", 4),
        (DataType::Int4, "int4", 4),
        (DataType::Float4e2m1, "float4e2m1", 4),
        (DataType::Float8e8m0, "float8e8m0", 8),
        (DataType::Uint2, "uint2", 2),
        (DataType::Int2, "int2", 2),
        (DataType::Float6e2m3, "float6e2m3", 6),
        (DataType::Float6e3m2, "float6e3m2", 6),
    ];

    /// The type with this code in the schema.
    pub fn from_code(code: i32) -> Option<Self> {
        Self::ALL.iter().map(|entry| entry.0).find(|kind| *kind as i32 == code)
    }

    /// The type with this name in ONNX text.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|entry| entry.1 == name).map(|entry| entry.0)
    }

    /// The code in the schema.
    pub fn code(self) -> i32 {
        self as i32
    }

    /// The name in ONNX text.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize - 1].1
    }

    /// Bits per element in `raw_data`; `None` for strings.
    pub fn bits(self) -> Option<u32> {
        Some(Self::ALL[self as usize - 1].2).filter(|bits| *bits > 0)
    }

    /// The floating-point type with an arithmetic of its own, if it is one.
    pub fn float(self) -> Option<FloatType> {
        Some(match self {
            DataType::Float => FloatType::F32,
            DataType::Float16 => FloatType::F16,
            DataType::Double => FloatType::F64,
            DataType::Bfloat16 => FloatType::Bf16,
            _ => return None,
        })
    }
}
