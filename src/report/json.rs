//! Reports for programs. The schema is documented in `docs/json.md`.

use serde::Serialize;

/// The version of the schema; it grows when a field changes its meaning or disappears.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Versioned<'a, T> {
    schema: u32,
    #[serde(flatten)]
    report: &'a T,
}

/// A report as indented JSON with a line break at the end.
pub fn to_text<T: Serialize>(report: &T) -> String {
    let text = serde_json::to_string_pretty(&Versioned { schema: SCHEMA, report });
    // Reports have string keys and no failing serialisers, so that this cannot go wrong.
    text.unwrap_or_default() + "\n"
}
