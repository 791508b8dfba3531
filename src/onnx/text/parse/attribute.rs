//! Attributes.

use super::ParseError;
use super::cursor::Cursor;
use super::tensor::Constant;
use crate::onnx::schema::{AttributeProto, GraphProto, SparseTensorProto, TensorProto, TypeProto};
use crate::onnx::text::names::{UNDEFINED, attribute_type_code, attribute_type_name, is_float_word};
use bstr::BString;

/// One value of an attribute.
enum Item {
    Float(f32),
    Int(i64),
    String(BString),
    Tensor(Box<TensorProto>),
    Graph(Box<GraphProto>),
    Sparse(Box<SparseTensorProto>),
    Type(Box<TypeProto>),
}

impl Item {
    /// The code of its type.
    fn code(&self) -> i32 {
        match self {
            Item::Float(_) => 1,
            Item::Int(_) => 2,
            Item::String(_) => 3,
            Item::Tensor(_) => 4,
            Item::Graph(_) => 5,
            Item::Sparse(_) => 11,
            Item::Type(_) => 13,
        }
    }
}

impl Cursor<'_> {
    /// `name = value` or `name: type = value`.
    pub(super) fn attribute(&mut self) -> Result<AttributeProto, ParseError> {
        let name = self.name("the name of an attribute")?;
        self.attribute_after(name)
    }

    pub(super) fn attribute_after(&mut self, name: BString) -> Result<AttributeProto, ParseError> {
        let mut attribute = AttributeProto { name: Some(name), ..Default::default() };
        if self.eat(b':') {
            if self.peek_identifier() == Some(UNDEFINED.as_bytes()) {
                self.advance(UNDEFINED.len());
                b"=[]".iter().try_for_each(|byte| self.expect(*byte))?;
                return Ok(attribute);
            }
            let code = self.peek_identifier().and_then(attribute_type_code);
            attribute.r#type = Some(code.ok_or_else(|| self.expected("the type of an attribute"))?);
            self.identifier("")?;
        }
        if !self.eat(b'=') {
            return Err(self.expected(if attribute.r#type.is_some() { "`=`" } else { "`:` or `=`" }));
        }
        if self.eat(b'@') {
            attribute.ref_attr_name = Some(self.name("the name of an attribute")?);
        } else if self.eat(b'[') {
            self.attribute_list(&mut attribute)?;
        } else {
            self.attribute_single(&mut attribute)?;
        }
        Ok(attribute)
    }

    fn attribute_single(&mut self, attribute: &mut AttributeProto) -> Result<(), ParseError> {
        self.skip_space();
        let at = self.position();
        let item = self.item(attribute.r#type)?;
        let code = item.code();
        if let Some(declared) = attribute.r#type.filter(|declared| *declared != code) {
            return Err(self.mismatch(at, declared, code));
        }
        attribute.r#type = Some(code);
        match item {
            Item::Float(value) => attribute.f = Some(value),
            Item::Int(value) => attribute.i = Some(value),
            Item::String(value) => attribute.s = Some(value),
            Item::Tensor(value) => attribute.t = Some(value),
            Item::Graph(value) => attribute.g = Some(value),
            Item::Sparse(value) => attribute.sparse_tensor = Some(value),
            Item::Type(value) => attribute.tp = Some(value),
        }
        Ok(())
    }

    /// The values of a list, after the bracket. An empty one must have a type.
    fn attribute_list(&mut self, attribute: &mut AttributeProto) -> Result<(), ParseError> {
        let at = self.position() - 1;
        if let Some(code) = attribute.r#type.filter(|code| element_of_list(*code).is_none()) {
            let kind = attribute_type_name(code).unwrap_or_default();
            return Err(self.error_at(at, &format!("expected one value of the type {kind}, but found a list")));
        }
        self.list(b']', |this| {
            this.skip_space();
            let at = this.position();
            let declared = attribute.r#type.and_then(element_of_list);
            let item = this.item(declared)?;
            let code = item.code();
            if let Some(declared) = declared.filter(|declared| *declared != code) {
                return Err(this.mismatch(at, declared, code));
            }
            attribute.r#type = Some(list_of_element(code));
            this.push_item(attribute, item)
        })?;
        match attribute.r#type {
            None => Err(self.error_at(at, "expected a type before an empty list, such as `: ints`")),
            Some(_) => Ok(()),
        }
    }

    fn mismatch(&self, at: usize, declared: i32, found: i32) -> ParseError {
        let name = |code| attribute_type_name(code).unwrap_or_default();
        let message = format!("expected a value of the type {}, but found one of {}", name(declared), name(found));
        self.error_at(at, &message)
    }

    /// A value, of the declared type if it can be.
    fn item(&mut self, declared: Option<i32>) -> Result<Item, ParseError> {
        if declared == Some(5) && self.next_is_name() {
            return Ok(Item::Graph(Box::new(self.graph()?)));
        }
        match self.peek() {
            Some(b'"') if declared.is_none() && self.peek_after_string() == Some(b'(') => {
                Ok(Item::Graph(Box::new(self.graph()?)))
            }
            Some(b'"') => Ok(Item::String(self.string("a string")?)),
            Some(b'-' | b'0'..=b'9') => self.numeric_item(declared),
            _ if self.next_is_type() => self.typed_item(declared),
            _ if self.peek_identifier().is_some_and(is_float_word) => self.numeric_item(declared),
            _ if self.peek_identifier().is_some() => Ok(Item::Graph(Box::new(self.graph()?))),
            _ => Err(self.expected("the value of an attribute")),
        }
    }

    fn numeric_item(&mut self, declared: Option<i32>) -> Result<Item, ParseError> {
        let literal = self.number()?;
        if literal.is_float || declared == Some(1) {
            return Ok(Item::Float(self.to_f32(literal)?));
        }
        Ok(Item::Int(self.to_integer(literal, i64::MIN.into(), i64::MAX.into())? as i64))
    }

    fn push_item(&mut self, attribute: &mut AttributeProto, item: Item) -> Result<(), ParseError> {
        match item {
            Item::Float(value) => self.charge::<f32>(2).map(|()| attribute.floats.push(value)),
            Item::Int(value) => self.charge::<i64>(2).map(|()| attribute.ints.push(value)),
            Item::String(value) => self.charge::<BString>(2).map(|()| attribute.strings.push(value)),
            Item::Tensor(value) => self.charge::<TensorProto>(2).map(|()| attribute.tensors.push(*value)),
            Item::Graph(value) => self.charge::<GraphProto>(2).map(|()| attribute.graphs.push(*value)),
            Item::Sparse(value) => self.charge::<SparseTensorProto>(2).map(|()| attribute.sparse_tensors.push(*value)),
            Item::Type(value) => self.charge::<TypeProto>(2).map(|()| attribute.type_protos.push(*value)),
        }
    }

    /// A type, or a tensor, which begins with its type.
    fn typed_item(&mut self, declared: Option<i32>) -> Result<Item, ParseError> {
        let kind = self.value_type()?;
        let constant = matches!(self.peek(), Some(b'{' | b'=')) || self.next_is_name() || self.next_is_external();
        if declared == Some(13) || !constant {
            return Ok(Item::Type(Box::new(kind)));
        }
        let name = if self.next_is_name() { Some(self.name("a name")?) } else { None };
        self.eat(b'=');
        Ok(match self.constant(&kind, name)? {
            Constant::Dense(tensor) => Item::Tensor(tensor),
            Constant::Sparse(tensor) => Item::Sparse(tensor),
        })
    }
}

/// The type of a list of values of this type.
fn list_of_element(code: i32) -> i32 {
    if code <= 5 { code + 5 } else { code + 1 }
}

/// The type of the values of a list of this type.
fn element_of_list(code: i32) -> Option<i32> {
    match code {
        6..=10 => Some(code - 5),
        12 | 14 => Some(code - 1),
        _ => None,
    }
}
