//! The expression after macros, as the checker reads it.

use crate::table::Function;
use crate::types::Type;
use crate::value::Value;

#[derive(Clone, Debug)]
pub struct Expr {
    /// In bytes, from the start of the source.
    pub offset: usize,
    pub kind: Kind,
    /// What the checker found.
    pub type_of: Type,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Literal(Value<'static>),
    Ident(String),
    /// A variable of the environment, once checked.
    Global(usize),
    /// `has(variables.x)`, once checked: the variable is evaluated.
    Defined(usize),
    Select {
        operand: Box<Expr>,
        field: String,
        test: bool,
    },
    Call(Box<Call>),
    List(Vec<(Expr, bool)>),
    Map(Vec<(Expr, Expr, bool)>),
    Comprehension(Box<Comprehension>),
}

#[derive(Clone, Debug)]
pub struct Call {
    pub function: String,
    pub target: Option<Expr>,
    pub arguments: Vec<Expr>,
    /// Once checked: the function, and the one overload if only one can be meant.
    pub resolved: Option<(&'static Function, Option<usize>)>,
}

#[derive(Clone, Debug)]
pub struct Comprehension {
    pub range: Expr,
    pub variable: String,
    pub second: Option<String>,
    pub accumulator: String,
    pub init: Expr,
    pub condition: Expr,
    pub step: Expr,
    pub result: Expr,
}

impl Expr {
    pub fn new(offset: usize, kind: Kind) -> Expr {
        Expr { offset, kind, type_of: Type::Dyn }
    }

    /// `a.b.c`, if it is only names.
    pub fn qualified_name(&self) -> Option<String> {
        match &self.kind {
            Kind::Ident(name) => Some(name.clone()),
            Kind::Select { operand, field, test: false } => {
                Some(format!("{}.{field}", operand.qualified_name()?))
            }
            _ => None,
        }
    }
}
