//! The place in the text, and the tokens there.

use super::ParseError;
use crate::onnx::text::names::{is_identifier_part, is_identifier_start, is_space};
use bstr::{BString, ByteSlice};

/// How deep graphs and types may be nested.
const NESTING: u32 = 100;

/// A place in a text. Tokens may have space and comments before them.
pub(super) struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
    depth: u32,
    /// Bytes that lists may still allocate: as for binary files, see `wire/decoder.rs`.
    budget: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        let at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Cursor { text, at, depth: 0, budget: text.len().saturating_mul(64).saturating_add(64 << 20) }
    }

    /// The position, to report an error later.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'t [u8] {
        &self.text[self.at..]
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Returns to an earlier position.
    pub(super) fn return_to(&mut self, position: usize) {
        self.at = position;
    }

    /// Skips space and comments.
    pub(super) fn skip_space(&mut self) {
        while let Some(byte) = self.text.get(self.at) {
            if is_space(*byte) {
                self.at += 1;
            } else if *byte == b'#' {
                self.at += self.rest().find_byte(b'\n').unwrap_or(self.rest().len());
            } else {
                return;
            }
        }
    }

    /// The first byte of the next token; `None` at the end.
    pub(super) fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.text.get(self.at).copied()
    }

    /// Whether the next token is this byte; skips it.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Skips this byte.
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), ParseError> {
        if self.eat(byte) { Ok(()) } else { Err(self.expected(&format!("`{}`", char::from(byte)))) }
    }

    /// The next identifier, if there is one.
    pub(super) fn peek_identifier(&mut self) -> Option<&'t [u8]> {
        self.peek().filter(|first| is_identifier_start(*first))?;
        let rest = self.rest();
        Some(&rest[..rest.iter().take_while(|byte| is_identifier_part(**byte)).count()])
    }

    pub(super) fn identifier(&mut self, what: &str) -> Result<&'t [u8], ParseError> {
        let word = self.peek_identifier().ok_or_else(|| self.expected(what))?;
        self.at += word.len();
        Ok(word)
    }

    /// An identifier or a quoted string.
    pub(super) fn name(&mut self, what: &str) -> Result<BString, ParseError> {
        if self.peek() == Some(b'"') { self.string(what) } else { self.identifier(what).map(BString::from) }
    }

    /// Whether a name is next.
    pub(super) fn next_is_name(&mut self) -> bool {
        self.peek() == Some(b'"') || self.peek_identifier().is_some()
    }

    /// A quoted string. A backslash stands for the character after it, whatever it is.
    pub(super) fn string(&mut self, what: &str) -> Result<BString, ParseError> {
        if self.peek() != Some(b'"') {
            return Err(self.expected(what));
        }
        let (body, mut end) = (&self.rest()[1..], 0);
        let mut string = BString::default();
        loop {
            let plain = body[end..].find_byteset(b"\"\\").ok_or_else(|| self.error("this string has no end"))?;
            string.extend_from_slice(&body[end..end + plain]);
            end += plain + 1;
            if body[end - 1] == b'"' {
                self.at += end + 1;
                return Ok(string);
            }
            string.push(*body.get(end).ok_or_else(|| self.error("this string has no end"))?);
            end += 1;
        }
    }

    /// The byte after the string that is next, if one is.
    pub(super) fn peek_after_string(&mut self) -> Option<u8> {
        let start = self.at;
        let after = self.string("").ok().and_then(|_| self.peek());
        self.at = start;
        after
    }

    /// Runs a rule that may contain itself.
    pub(super) fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Result<T, ParseError>) -> Result<T, ParseError> {
        if self.depth == NESTING {
            return Err(self.error("graphs or types nested too deeply"));
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    /// Items with commas between them, up to `close`.
    pub(super) fn list<T>(
        &mut self,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        let mut items = Vec::new();
        if self.eat(close) {
            return Ok(items);
        }
        loop {
            let next = item(self)?;
            self.push(&mut items, next)?;
            if !self.eat(b',') {
                break;
            }
        }
        if self.eat(close) {
            return Ok(items);
        }
        Err(self.expected(&format!("`,` or `{}`", char::from(close))))
    }

    /// Appends to a list, if it may grow.
    pub(super) fn push<T>(&mut self, items: &mut Vec<T>, item: T) -> Result<(), ParseError> {
        // A first push reserves four items, 1.4 KB for one attribute: small lists grow one by one.
        if items.len() == items.capacity() {
            let more = items.len().max(1);
            self.charge::<T>(more)?;
            items.reserve_exact(more);
        }
        items.push(item);
        Ok(())
    }

    /// Notes that room for so many items is about to be allocated.
    pub(super) fn charge<T>(&mut self, items: usize) -> Result<(), ParseError> {
        let left = self.budget.checked_sub(items.saturating_mul(size_of::<T>()));
        self.budget = left.ok_or_else(|| self.error("the model would need far more memory than its text"))?;
        Ok(())
    }

    /// An error at the next token.
    pub(super) fn expected(&mut self, what: &str) -> ParseError {
        self.skip_space();
        let found = self.found();
        self.error(&format!("expected {what}, but found {found}"))
    }

    pub(super) fn error(&self, message: &str) -> ParseError {
        self.error_at(self.at, message)
    }

    pub(super) fn error_at(&self, at: usize, message: &str) -> ParseError {
        ParseError::new(self.text, at, message.to_owned())
    }

    fn found(&mut self) -> String {
        match (self.peek_identifier(), self.rest().chars().next()) {
            (Some(word), _) if word.len() <= 40 => format!("`{}`", word.as_bstr()),
            (Some(_), _) => "a long name".to_owned(),
            (None, Some('"')) => "a string".to_owned(),
            (None, Some(char)) => format!("`{}`", char.escape_debug()),
            (None, None) => "the end".to_owned(),
        }
    }
}
