//! From the checked expression to what is evaluated: cel-go's planner, with its optimisations, since they change
//! what is paid.

use crate::ast::{Call as CallExpr, Comprehension, Expr, Kind};
use crate::cost;
use crate::error::Refusal;
use crate::eval;
use crate::gofmt;
use crate::library;
use crate::library::regex;
use crate::tree::{Call, Fold, MatchKind, Matches, Node, Path, Pattern, Root, Step, StepKey};
use crate::value::Value;
use std::sync::Arc;

#[derive(Default)]
pub struct Planner {
    scopes: Vec<(String, usize)>,
    /// How many slots an evaluation needs.
    pub slots: usize,
}

impl Planner {
    pub fn plan(&mut self, expr: Expr) -> Result<Node, Refusal> {
        let offset = expr.offset;
        Ok(match expr.kind {
            Kind::Literal(value) => Node::Constant(value),
            Kind::Global(at) => Node::Path(Path { root: Root::Variable(at), steps: Vec::new() }),
            Kind::Defined(at) => Node::Defined(at),
            Kind::Ident(name) => {
                let Some((_, slot)) = self.scopes.iter().rev().find(|(own, _)| *own == name) else {
                    return Err(Refusal::new(offset, format!("undeclared reference to '{name}'")));
                };
                Node::Path(Path { root: Root::Local(*slot), steps: Vec::new() })
            }
            Kind::Select { operand, field, test } => {
                let operand = self.plan(*operand)?;
                let mut path = path(operand);
                let key = StepKey::Constant(Value::text(field));
                path.steps.push(Step { key, optional: false, test });
                if test { Node::Test(path) } else { Node::Path(path) }
            }
            Kind::List(elements) => {
                let mut nodes = Vec::with_capacity(elements.len());
                for (element, optional) in elements {
                    nodes.push((self.plan(element)?, optional));
                }
                constant_list(nodes)
            }
            Kind::Map(entries) => {
                let mut nodes = Vec::with_capacity(entries.len());
                for (key, value, optional) in entries {
                    let at = key.offset;
                    let key = self.plan(key)?;
                    if let Node::Constant(key) = &key
                        && key.as_key().is_none()
                    {
                        let text = format!("a map keyed by {} is not supported", key.type_name());
                        return Err(Refusal::new(at, text));
                    }
                    nodes.push((key, self.plan(value)?, optional));
                }
                constant_map(nodes)
            }
            Kind::Comprehension(parts) => self.comprehension(*parts)?,
            Kind::Call(call) => self.call(offset, *call)?,
        })
    }

    fn comprehension(&mut self, parts: Comprehension) -> Result<Node, Refusal> {
        let range = self.plan(parts.range)?;
        let init = self.plan(parts.init)?;
        let depth = self.scopes.len();
        let accumulator = self.enter(parts.accumulator);
        let first = self.enter(parts.variable);
        let second = parts.second.map(|name| self.enter(name));
        let condition = self.plan(parts.condition)?;
        let step = grown(self.plan(parts.step)?, accumulator);
        self.scopes.truncate(depth + 1);
        let result = self.plan(parts.result)?;
        self.scopes.truncate(depth);
        Ok(Node::Fold(Box::new(Fold { range, first, second, accumulator, init, condition, step, result })))
    }

    fn enter(&mut self, name: String) -> usize {
        // Not by depth: what `result` binds must not be what a loop within it overwrites.
        let slot = self.slots;
        self.slots += 1;
        self.scopes.push((name, slot));
        slot
    }

    fn call(&mut self, offset: usize, call: CallExpr) -> Result<Node, Refusal> {
        let Some((function, only)) = call.resolved else {
            return Err(Refusal::new(offset, format!("undeclared reference to '{}'", call.function)));
        };
        let member = call.target.is_some();
        let mut nodes = Vec::with_capacity(call.arguments.len() + 1);
        for argument in call.target.into_iter().chain(call.arguments) {
            nodes.push(self.plan(argument)?);
        }
        let overload = only.and_then(|at| function.overloads.get(at));
        let id = overload.map(|overload| overload.id);
        match (function.name, nodes.len()) {
            ("_&&_", _) => {
                return Ok(Node::And(flat(nodes, |node| match node {
                    Node::And(inner) => Ok(inner),
                    other => Err(other),
                })));
            }
            ("_||_", _) => {
                return Ok(Node::Or(flat(nodes, |node| match node {
                    Node::Or(inner) => Ok(inner),
                    other => Err(other),
                })));
            }
            ("matches", 2) | ("find" | "findAll", 2 | 3) => return matching(offset, function.name, nodes),
            ("_?_:_", 3) => {
                let mut nodes = nodes.into_iter();
                if let (Some(condition), Some(yes), Some(no)) = (nodes.next(), nodes.next(), nodes.next()) {
                    let root = Root::Either(Box::new((condition, path(yes), path(no))));
                    return Ok(Node::Path(Path { root, steps: Vec::new() }));
                }
                return Err(Refusal::new(offset, "not a conditional"));
            }
            _ => {}
        }
        let two = <[Node; 2]>::try_from(nodes);
        let nodes = match (two, function.name) {
            (Ok(pair), "_==_" | "_!=_") => {
                return Ok(Node::Equal(Box::new(pair), function.name == "_!=_"));
            }
            (Ok(pair), "or" | "orValue") if member => {
                return Ok(Node::OptionalOr(Box::new(pair), function.name == "orValue"));
            }
            (Ok(pair), "_[_]") => return index(offset, pair, false),
            (Ok(pair), "_[?_]" | "_?._") => return index(offset, pair, true),
            (Ok(pair), "@in") if id == Some("in_list") => match set(pair) {
                Ok(node) => return Ok(node),
                Err(pair) => pair.into(),
            },
            (Ok(pair), _) => pair.into(),
            (Err(nodes), _) => nodes,
        };
        let price = cost::price(function.name, id);
        let call = Call { function, overload: only, arguments: nodes, price };
        if library::is_conversion(function.name)
            && let [Node::Constant(value)] = call.arguments.as_slice()
        {
            return match eval::apply(&call, std::slice::from_ref(value)) {
                Ok(value) => Ok(Node::Constant(value)),
                Err(error) => Err(Refusal::new(offset, error.to_string())),
            };
        }
        Ok(Node::Call(Box::new(call)))
    }
}

/// As the start of a longer path.
fn path(node: Node) -> Path {
    match node {
        Node::Path(path) | Node::Test(path) => path,
        other => Path { root: Root::Node(Box::new(other)), steps: Vec::new() },
    }
}

fn flat(nodes: Vec<Node>, open: impl Fn(Node) -> Result<Vec<Node>, Node>) -> Vec<Node> {
    let mut all = Vec::with_capacity(nodes.len());
    for node in nodes {
        match open(node) {
            Ok(inner) => all.extend(inner),
            Err(node) => all.push(node),
        }
    }
    all
}

fn index(offset: usize, [operand, key]: [Node; 2], optional: bool) -> Result<Node, Refusal> {
    let mut path = path(operand);
    let key = match key {
        Node::Constant(value) => {
            if !eval::can_be_a_step(&value) {
                return Err(Refusal::new(
                    offset,
                    format!("invalid qualifier type: {}", gofmt::go_type(&value)),
                ));
            }
            StepKey::Constant(value)
        }
        Node::Path(inner) | Node::Test(inner) => StepKey::Path(inner),
        other => StepKey::Path(Path { root: Root::Node(Box::new(other)), steps: Vec::new() }),
    };
    path.steps.push(Step { key, optional, test: false });
    Ok(Node::Path(path))
}

fn constant_list(nodes: Vec<(Node, bool)>) -> Node {
    let mut values = Vec::with_capacity(nodes.len());
    for (node, optional) in &nodes {
        match node {
            Node::Constant(value) if !optional => values.push(value.clone()),
            _ => return Node::List(nodes),
        }
    }
    Node::Constant(Value::list(values))
}

fn constant_map(nodes: Vec<(Node, Node, bool)>) -> Node {
    let mut entries = std::collections::BTreeMap::new();
    for (key, value, optional) in &nodes {
        match (key, value) {
            (Node::Constant(key), Node::Constant(value)) if !optional => match key.as_key() {
                Some(key) => entries.insert(key, value.clone()),
                None => return Node::Map(nodes),
            },
            _ => return Node::Map(nodes),
        };
    }
    Node::Constant(Value::Map(crate::value::Map::Made(Arc::new(entries))))
}

/// cel-go looks a constant up in a set; what is asked costs nothing more.
fn set(pair: [Node; 2]) -> Result<Node, [Node; 2]> {
    let Node::Constant(Value::List(list)) = &pair[1] else { return Err(pair) };
    if list.is_empty() {
        return Ok(Node::Constant(Value::Bool(false)));
    }
    let values: Vec<Value<'static>> = list.iter().collect();
    let simple = |value: &Value<'_>| {
        matches!(value, Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::String(_))
    };
    if !values.iter().all(simple) {
        return Err(pair);
    }
    let [asked, _] = pair;
    Ok(Node::Member(Box::new((asked, values))))
}

fn matching(offset: usize, function: &str, nodes: Vec<Node>) -> Result<Node, Refusal> {
    let kind = match function {
        "matches" => MatchKind::Matches,
        "find" => MatchKind::Find,
        _ => MatchKind::FindAll,
    };
    let mut nodes = nodes.into_iter();
    let (Some(text), Some(pattern)) = (nodes.next(), nodes.next()) else {
        return Err(Refusal::new(offset, "missing arguments"));
    };
    let pattern = match pattern {
        Node::Constant(Value::String(literal)) => {
            let size = u64::try_from(literal.chars().count()).unwrap_or(u64::MAX);
            let compiled = regex::compile(&literal).map_err(|text| Refusal::new(offset, text))?;
            Pattern::Literal(Arc::new(compiled), size)
        }
        other => Pattern::Dynamic(other),
    };
    Ok(Node::Matches(Box::new(Matches { kind, text, pattern, limit: nodes.next() })))
}

/// A step that only adds to what is there adds in place.
fn grown(step: Node, accumulator: usize) -> Node {
    match step {
        Node::Call(call) if call.function.name == "_+_" => grown_list(call, accumulator),
        Node::Call(call)
            if call.function.name == "cel.@mapInsert" && is_local(&call.arguments, accumulator) =>
        {
            let mut rest = call.arguments.into_iter().skip(1);
            match (rest.next(), rest.next()) {
                (Some(key), value) => Node::Insert(accumulator, Box::new((key, value))),
                (None, _) => Node::Constant(Value::Null),
            }
        }
        Node::Path(Path { root: Root::Either(either), steps }) if steps.is_empty() => {
            let (condition, yes, no) = *either;
            let yes = match yes {
                Path { root: Root::Node(node), steps } if steps.is_empty() => path(grown(*node, accumulator)),
                other => other,
            };
            Node::Path(Path { root: Root::Either(Box::new((condition, yes, no))), steps: Vec::new() })
        }
        other => other,
    }
}

fn grown_list(call: Box<Call>, accumulator: usize) -> Node {
    if !is_local(&call.arguments, accumulator) {
        return Node::Call(call);
    }
    match call.arguments.get(1) {
        Some(Node::List(elements)) if elements.len() == 1 && !elements[0].1 => {}
        Some(Node::Constant(Value::List(list))) if list.len() == 1 => {
            let element = list.get(0).map_or(Node::Constant(Value::Null), Node::Constant);
            return Node::Append(accumulator, Box::new(element), false);
        }
        _ => return Node::Call(call),
    }
    match call.arguments.into_iter().nth(1) {
        Some(Node::List(mut elements)) => match elements.pop() {
            Some((element, _)) => Node::Append(accumulator, Box::new(element), true),
            None => Node::List(elements),
        },
        Some(other) => other,
        None => Node::Constant(Value::Null),
    }
}

fn is_local(arguments: &[Node], slot: usize) -> bool {
    matches!(arguments.first(), Some(Node::Path(Path { root: Root::Local(own), steps })) if *own == slot && steps.is_empty())
}
