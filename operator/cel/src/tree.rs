//! What is evaluated: names are slots, functions are pointers, literal patterns are compiled.

use crate::cost::Price;
use crate::table::Function;
use crate::value::Value;
use regex::Regex;
use std::sync::Arc;

#[derive(Debug)]
pub enum Node {
    Constant(Value<'static>),
    Path(Path),
    /// `has()`: the last step is only looked for.
    Test(Path),
    Defined(usize),
    And(Vec<Node>),
    Or(Vec<Node>),
    Equal(Box<[Node; 2]>, bool),
    Call(Box<Call>),
    Matches(Box<Matches>),
    /// `or` and `orValue`: the second is evaluated only where the first has no value.
    OptionalOr(Box<[Node; 2]>, bool),
    /// `in` a list of constants.
    Member(Box<(Node, Vec<Value<'static>>)>),
    List(Vec<(Node, bool)>),
    Map(Vec<(Node, Node, bool)>),
    Fold(Box<Fold>),
    /// `accumulator + [element]`, without a copy of what is there; and whether the list is made each time.
    Append(usize, Box<Node>, bool),
    /// `cel.@mapInsert`, without a copy of what is there.
    Insert(usize, Box<(Node, Option<Node>)>),
}

/// A root, and the steps from it: what cel-go calls an attribute.
#[derive(Debug)]
pub struct Path {
    pub root: Root,
    pub steps: Vec<Step>,
}

#[derive(Debug)]
pub enum Root {
    Variable(usize),
    Local(usize),
    Node(Box<Node>),
    Either(Box<(Node, Path, Path)>),
}

#[derive(Debug)]
pub struct Step {
    pub key: StepKey,
    /// An absent one makes the whole empty, where it would be an error.
    pub optional: bool,
    pub test: bool,
}

#[derive(Debug)]
pub enum StepKey {
    Constant(Value<'static>),
    Path(Path),
}

#[derive(Debug)]
pub struct Call {
    pub function: &'static Function,
    /// If only one overload can be meant.
    pub overload: Option<usize>,
    pub arguments: Vec<Node>,
    pub price: Price,
}

#[derive(Debug)]
pub struct Matches {
    pub kind: MatchKind,
    pub text: Node,
    pub pattern: Pattern,
    pub limit: Option<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchKind {
    Matches,
    Find,
    FindAll,
}

#[derive(Debug)]
pub enum Pattern {
    /// With its size in characters, which is what it costs.
    Literal(Arc<Regex>, u64),
    Dynamic(Node),
}

#[derive(Debug)]
pub struct Fold {
    pub range: Node,
    pub first: usize,
    pub second: Option<usize>,
    pub accumulator: usize,
    pub init: Node,
    pub condition: Node,
    pub step: Node,
    pub result: Node,
}
