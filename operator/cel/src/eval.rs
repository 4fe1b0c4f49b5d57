//! Evaluation: cel-go's interpreter, over borrowed values.

mod call;
mod fold;
mod path;

pub use call::apply;
pub use path::can_be_a_step;

use crate::cost::{self, Budget};
use crate::env::Activation;
use crate::error::{EvalError, failed};
use crate::gofmt;
use crate::tree::Node;
use crate::value::{Key, Map, Value};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

/// The deadline is asked once in so many steps.
const PATIENCE: u32 = 4096;

const INTERNAL: &str = "internal error: ";

type Outcome<'a> = Result<Value<'a>, EvalError>;

enum Slot<'p, 'a> {
    Empty,
    /// Evaluated when it is first read.
    Later(&'p Node),
    Ready(Outcome<'a>),
}

pub struct Evaluation<'p, 'e, 'a, 'b, 'd> {
    activation: &'e Activation<'a>,
    budget: &'b mut Budget<'d>,
    slots: Vec<Slot<'p, 'a>>,
    cost: u64,
    limit: u64,
    steps: u32,
}

impl<'p, 'e, 'a, 'b, 'd> Evaluation<'p, 'e, 'a, 'b, 'd> {
    pub fn new(activation: &'e Activation<'a>, budget: &'b mut Budget<'d>, slots: usize) -> Self {
        let limit = budget.per_call();
        let slots = (0..slots).map(|_| Slot::Empty).collect();
        Evaluation { activation, budget, slots, cost: 0, limit, steps: 0 }
    }

    pub fn cost(&self) -> u64 {
        self.cost
    }

    fn charge(&mut self, cost: u64) -> Result<(), EvalError> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > self.limit {
            return Err(EvalError::CostExceeded);
        }
        self.steps += 1;
        if self.steps >= PATIENCE {
            self.steps = 0;
            if self.budget.over() {
                return Err(EvalError::TimedOut);
            }
        }
        Ok(())
    }

    /// Charges, then gives what there was: cel-go pays for what failed, too.
    fn paid<T>(&mut self, cost: u64, outcome: Result<T, EvalError>) -> Result<T, EvalError> {
        let outcome = settled(outcome)?;
        self.charge(cost)?;
        outcome
    }

    pub fn eval(&mut self, node: &'p Node) -> Outcome<'a> {
        match node {
            Node::Constant(value) => Ok(value.clone()),
            Node::Path(path) => self.whole_path(path),
            Node::Test(path) => self.test(path),
            Node::Defined(at) => {
                let found = self.variable(*at);
                found.map(|_| Value::Bool(true))
            }
            Node::And(terms) => self.logic(terms, false),
            Node::Or(terms) => self.logic(terms, true),
            Node::Equal(pair, negated) => self.equal(&pair[0], &pair[1], *negated),
            Node::Call(call) => self.call(call),
            Node::Matches(matches) => self.matches(matches),
            Node::OptionalOr(pair, value) => self.optional_or(pair, *value),
            Node::Member(parts) => {
                let asked = self.eval(&parts.0)?;
                Ok(Value::Bool(parts.1.iter().any(|value| value.same(&asked))))
            }
            Node::List(elements) => {
                let made = self.list(elements);
                self.paid(10, made)
            }
            Node::Map(entries) => {
                let made = self.map(entries);
                self.paid(30, made)
            }
            Node::Fold(fold) => self.fold(fold),
            Node::Append(slot, element, made) => self.append(*slot, element, *made),
            Node::Insert(slot, parts) => self.insert(*slot, &parts.0, parts.1.as_ref()),
        }
    }

    fn logic(&mut self, terms: &'p [Node], decides: bool) -> Outcome<'a> {
        let mut error = None;
        for term in terms {
            match settled(self.eval(term))? {
                Ok(Value::Bool(value)) if value == decides => return Ok(Value::Bool(decides)),
                Ok(Value::Bool(_)) => {}
                Ok(_) => {
                    error.get_or_insert_with(EvalError::no_such_overload);
                }
                Err(failure) => {
                    error.get_or_insert(failure);
                }
            }
        }
        match error {
            Some(error) => Err(error),
            None => Ok(Value::Bool(!decides)),
        }
    }

    fn equal(&mut self, left: &'p Node, right: &'p Node, negated: bool) -> Outcome<'a> {
        // Constants are compared where they are.
        let (left, right) = match (left, right) {
            (left, Node::Constant(right)) => {
                let left = settled(self.eval(left))?;
                self.charge(cost::equality(left.as_ref().unwrap_or(&Value::Null), right, negated))?;
                return outcome_of(left?.equals(right), negated);
            }
            (left, right) => (settled(self.eval(left))?, settled(self.eval(right))?),
        };
        let (a, b) = (left.as_ref().unwrap_or(&Value::Null), right.as_ref().unwrap_or(&Value::Null));
        self.charge(cost::equality(a, b, negated))?;
        let (left, right) = (left?, right?);
        outcome_of(left.equals(&right), negated)
    }

    fn list(&mut self, elements: &'p [(Node, bool)]) -> Outcome<'a> {
        let mut values = Vec::with_capacity(elements.len());
        for (element, optional) in elements {
            let value = self.eval(element)?;
            match value {
                Value::Optional(inner) if *optional => {
                    values.extend(inner.map(|inner| inner.deref().clone()));
                }
                other if *optional => {
                    let text = gofmt::value(&other);
                    return failed(format!(
                        "cannot initialize optional list element from non-optional value {text}"
                    ));
                }
                other => values.push(other),
            }
        }
        Ok(Value::list(values))
    }

    fn map(&mut self, entries: &'p [(Node, Node, bool)]) -> Outcome<'a> {
        let mut made: BTreeMap<Key<'a>, Value<'a>> = BTreeMap::new();
        for (key, value, optional) in entries {
            let key = self.eval(key)?;
            let value = self.eval(value)?;
            let Some(own) = key.as_key() else {
                return failed(format!("a map keyed by {} is not supported", key.type_name()));
            };
            match value {
                Value::Optional(Some(inner)) if *optional => {
                    made.insert(own, inner.deref().clone());
                }
                Value::Optional(None) if *optional => {
                    made.remove(&own);
                }
                other if *optional => {
                    return failed(format!(
                        "cannot initialize optional entry '{}' from non-optional value {}",
                        gofmt::value(&key),
                        gofmt::value(&other)
                    ));
                }
                other => {
                    made.insert(own, other);
                }
            }
        }
        Ok(Value::Map(Map::Made(Arc::new(made))))
    }
}

/// Of an error, only what an expression can absorb; the others end the evaluation.
fn settled<T>(outcome: Result<T, EvalError>) -> Result<Result<T, EvalError>, EvalError> {
    match outcome {
        Err(EvalError::CostExceeded) => Err(EvalError::CostExceeded),
        Err(EvalError::TimedOut) => Err(EvalError::TimedOut),
        // The server's evaluation ends there, too.
        Err(EvalError::Failed(text)) if text.starts_with(INTERNAL) => Err(EvalError::Failed(text)),
        other => Ok(other),
    }
}

fn outcome_of<'a>(equal: Result<bool, EvalError>, negated: bool) -> Outcome<'a> {
    match equal {
        Ok(equal) => Ok(Value::Bool(equal != negated)),
        Err(_) if negated => Ok(Value::Bool(true)),
        Err(error) => Err(error),
    }
}
