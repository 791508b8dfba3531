//! Numbers.

use super::ParseError;
use super::cursor::Cursor;
use crate::onnx::text::names::{is_float_word, is_identifier_part};

/// A number as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Literal<'t> {
    pub(super) text: &'t str,
    /// Where it is.
    pub(super) at: usize,
    /// Whether it has a decimal point or an exponent, or is infinite or no number.
    pub(super) is_float: bool,
}

impl<'t> Literal<'t> {
    /// The number for a message.
    fn shown(&self) -> &'t str {
        if self.text.len() <= 40 { self.text } else { "a long number" }
    }
}

impl<'t> Cursor<'t> {
    /// `-1`, `1.5e3`, `inf`, `-nan`.
    pub(super) fn number(&mut self) -> Result<Literal<'t>, ParseError> {
        self.skip_space();
        let (at, rest) = (self.position(), self.rest());
        let sign = usize::from(rest.first() == Some(&b'-'));
        let body = &rest[sign..];
        let word = &body[..body.iter().take_while(|byte| is_identifier_part(**byte)).count()];
        let (len, is_float) = if is_float_word(word) { (word.len(), true) } else { digits(body) };
        let text = std::str::from_utf8(&rest[..sign + len]).unwrap_or_default();
        if len == 0 {
            return Err(self.expected("a number"));
        }
        self.advance(text.len());
        Ok(Literal { text, at, is_float })
    }

    /// An integer of the schema, such as a version.
    pub(super) fn integer(&mut self) -> Result<i64, ParseError> {
        let literal = self.number()?;
        self.to_integer(literal, i64::MIN.into(), i64::MAX.into()).map(|value| value as i64)
    }

    pub(super) fn to_integer(&self, literal: Literal, min: i128, max: i128) -> Result<i128, ParseError> {
        if literal.is_float {
            return Err(self.error_at(literal.at, &format!("expected an integer, but found {}", literal.shown())));
        }
        let value: Option<i128> = literal.text.parse().ok();
        value.filter(|value| (min..=max).contains(value)).ok_or_else(|| {
            let found = literal.shown();
            self.error_at(literal.at, &format!("expected an integer from {min} to {max}, but found {found}"))
        })
    }

    /// The nearest f32.
    pub(super) fn to_f32(&self, literal: Literal) -> Result<f32, ParseError> {
        if let Some(negative) = nan(literal) {
            return Ok(if negative { -f32::NAN } else { f32::NAN });
        }
        let value = literal.text.parse().ok().filter(|value: &f32| value.is_finite() || is_infinity(literal));
        value.ok_or_else(|| self.no_float(literal))
    }

    /// The nearest f64.
    pub(super) fn to_f64(&self, literal: Literal) -> Result<f64, ParseError> {
        if let Some(negative) = nan(literal) {
            return Ok(if negative { -f64::NAN } else { f64::NAN });
        }
        let value = literal.text.parse().ok().filter(|value: &f64| value.is_finite() || is_infinity(literal));
        value.ok_or_else(|| self.no_float(literal))
    }

    fn no_float(&self, literal: Literal) -> ParseError {
        self.error_at(literal.at, &format!("expected a number of this type, but found {}", literal.shown()))
    }
}

/// The length of `12`, `1.5` or `1e-7`, and whether it is no integer.
fn digits(text: &[u8]) -> (usize, bool) {
    let count = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut len = count(text);
    if len == 0 {
        return (0, false);
    }
    let mut is_float = false;
    if text.get(len) == Some(&b'.') {
        is_float = true;
        len += 1 + count(&text[len + 1..]);
    }
    if matches!(text.get(len), Some(b'e' | b'E')) {
        is_float = true;
        len += 1;
        len += usize::from(matches!(text.get(len), Some(b'+' | b'-')));
        len += count(&text[len..]);
    }
    (len, is_float)
}

/// Whether it is no number, and if so its sign.
fn nan(literal: Literal) -> Option<bool> {
    let word = literal.text.strip_prefix('-');
    word.unwrap_or(literal.text).eq_ignore_ascii_case("nan").then_some(word.is_some())
}

fn is_infinity(literal: Literal) -> bool {
    literal.text.bytes().any(|byte| byte.eq_ignore_ascii_case(&b'i'))
}
