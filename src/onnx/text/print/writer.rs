//! Text and layout: indentation, lists, names, numbers.

use super::{PrintError, PrintOptions};
use crate::onnx::text::names::is_plain;
use std::fmt::{self, Write as _};
use std::io::{self, BufWriter, Write};

/// Lists of more values than this have one per line.
const MANY: usize = 4;

/// Writes text; knows how deep it is in subgraphs.
pub(super) struct Writer<'o> {
    out: BufWriter<&'o mut dyn Write>,
    pub(super) options: PrintOptions,
    /// Levels of indentation, three spaces each.
    indent: usize,
    /// The number that is being formatted.
    number: String,
}

impl<'o> Writer<'o> {
    pub(super) fn new(out: &'o mut dyn Write, options: PrintOptions) -> Self {
        Writer { out: BufWriter::with_capacity(1 << 16, out), options, indent: 0, number: String::new() }
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }

    pub(super) fn put(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }

    pub(super) fn format(&mut self, arguments: fmt::Arguments) -> io::Result<()> {
        self.out.write_fmt(arguments)
    }

    /// Begins a line.
    pub(super) fn line(&mut self) -> io::Result<()> {
        self.put("\n")?;
        (0..self.indent).try_for_each(|_| self.put("   "))
    }

    /// One level deeper.
    pub(super) fn indented(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<(), PrintError>,
    ) -> Result<(), PrintError> {
        self.indent += 1;
        let result = inner(self);
        self.indent -= 1;
        result
    }

    /// Items with commas between them.
    pub(super) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut item: impl FnMut(&mut Self, T) -> Result<(), PrintError>,
    ) -> Result<(), PrintError> {
        items.into_iter().enumerate().try_for_each(|(index, value)| {
            if index > 0 {
                self.put(", ")?;
            }
            item(self, value)
        })
    }

    /// Items with commas between them, each on a line of its own.
    pub(super) fn lines<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut item: impl FnMut(&mut Self, T) -> Result<(), PrintError>,
    ) -> Result<(), PrintError> {
        self.indented(|this| {
            items.into_iter().enumerate().try_for_each(|(index, value)| {
                if index > 0 {
                    this.put(",")?;
                }
                this.line()?;
                item(this, value)
            })
        })?;
        Ok(self.line()?)
    }

    /// Items in parentheses, on one line if they are few.
    pub(super) fn parenthesized<T>(
        &mut self,
        items: &[T],
        mut item: impl FnMut(&mut Self, &T) -> Result<(), PrintError>,
    ) -> Result<(), PrintError> {
        self.put("(")?;
        if items.len() > MANY {
            self.lines(items, &mut item)?
        } else {
            self.list(items, &mut item)?
        }
        Ok(self.put(")")?)
    }

    /// Names with commas between them.
    pub(super) fn names(&mut self, names: &[impl AsRef<[u8]>]) -> Result<(), PrintError> {
        self.list(names, |this, name| Ok(this.name(name.as_ref())?))
    }

    /// A name, in quotes unless it can do without.
    pub(super) fn name(&mut self, name: &[u8]) -> io::Result<()> {
        if is_plain(name) { self.out.write_all(name) } else { self.quoted(name) }
    }

    /// A string in quotes. Only `"` and `\` are escaped: the syntax has no other escapes.
    pub(super) fn quoted(&mut self, text: &[u8]) -> io::Result<()> {
        self.put("\"")?;
        for part in text.split_inclusive(|byte| matches!(byte, b'"' | b'\\')) {
            let (last, rest) = part.split_last().unwrap_or((&0, part));
            if matches!(last, b'"' | b'\\') {
                self.out.write_all(rest)?;
                self.out.write_all(&[b'\\', *last])?;
            } else {
                self.out.write_all(part)?;
            }
        }
        self.put("\"")
    }

    /// The shortest decimal that is read back as the same float.
    pub(super) fn float(&mut self, value: impl Into<f64> + fmt::Debug + Copy) -> io::Result<()> {
        let wide: f64 = value.into();
        if wide.is_nan() {
            return self.put(if wide.is_sign_negative() { "-nan" } else { "nan" });
        }
        self.number.clear();
        write!(self.number, "{value:?}").map_err(io::Error::other)?;
        let number = self.number.strip_suffix(".0").unwrap_or(&self.number);
        self.out.write_all(number.as_bytes())
    }
}
