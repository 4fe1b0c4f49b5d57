//! Loops, and the places of their variables.

use super::{Evaluation, Outcome, Slot, settled};
use crate::error::{EvalError, failed};
use crate::gofmt;
use crate::tree::{Fold, Node};
use crate::value::{Key, List, Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

impl<'p, 'a> Evaluation<'p, '_, 'a, '_, '_> {
    pub(super) fn fold(&mut self, fold: &'p Fold) -> Outcome<'a> {
        let range = self.eval(&fold.range)?;
        self.set(fold.accumulator, Slot::Later(&fold.init));
        match (&range, fold.second) {
            (Value::List(list), second) => {
                for at in 0..list.len() {
                    let Some(element) = list.get(at) else { break };
                    match second {
                        Some(second) => {
                            let index = i64::try_from(at).unwrap_or(i64::MAX);
                            self.set(fold.first, Slot::Ready(Ok(Value::Int(index))));
                            self.set(second, Slot::Ready(Ok(element)));
                        }
                        None => self.set(fold.first, Slot::Ready(Ok(element))),
                    }
                    if !self.turn(fold)? {
                        break;
                    }
                }
            }
            (Value::Map(map), second) => {
                for (key, value) in map.entries() {
                    self.set(fold.first, Slot::Ready(Ok(key)));
                    if let Some(second) = second {
                        self.set(second, Slot::Ready(Ok(value)));
                    }
                    if !self.turn(fold)? {
                        break;
                    }
                }
            }
            (other, Some(_)) => {
                return failed(format!("unsupported comprehension range type: {}", gofmt::go_type(other)));
            }
            (other, None) => {
                return failed(format!("got '{}', expected iterable type", gofmt::go_type(other)));
            }
        }
        let result = self.eval(&fold.result);
        self.set(fold.accumulator, Slot::Empty);
        result
    }

    /// One turn of a loop; false when the loop is over.
    pub(super) fn turn(&mut self, fold: &'p Fold) -> Result<bool, EvalError> {
        if let Ok(Value::Bool(false)) = settled(self.eval(&fold.condition))? {
            return Ok(false);
        }
        let next = settled(self.eval(&fold.step))?;
        self.set(fold.accumulator, Slot::Ready(next));
        Ok(true)
    }

    pub(super) fn set(&mut self, slot: usize, to: Slot<'p, 'a>) {
        if let Some(own) = self.slots.get_mut(slot) {
            *own = to;
        }
    }

    pub(super) fn local(&mut self, slot: usize) -> Outcome<'a> {
        match self.slots.get(slot) {
            Some(Slot::Ready(outcome)) => outcome.clone(),
            Some(Slot::Later(init)) => {
                let init = *init;
                let outcome = settled(self.eval(init))?;
                self.set(slot, Slot::Ready(outcome.clone()));
                outcome
            }
            Some(Slot::Empty) | None => failed("no such attribute(s)"),
        }
    }

    /// What the slot holds, taken out of it.
    pub(super) fn taken(&mut self, slot: usize) -> Outcome<'a> {
        if let Some(Slot::Later(_)) = self.slots.get(slot) {
            return self.local(slot);
        }
        match self.slots.get_mut(slot).map(|own| std::mem::replace(own, Slot::Empty)) {
            Some(Slot::Ready(outcome)) => outcome,
            _ => failed("no such attribute(s)"),
        }
    }

    pub(super) fn append(&mut self, slot: usize, element: &'p Node, made: bool) -> Outcome<'a> {
        self.charge(1)?;
        let element = settled(self.eval(element))?;
        if made {
            self.charge(10)?;
        }
        self.charge(1)?;
        let before = self.taken(slot)?;
        let element = element?;
        match before {
            Value::List(List::Made(mut values)) => {
                Arc::make_mut(&mut values).push(element);
                Ok(Value::List(List::Made(values)))
            }
            _ => Err(EvalError::no_such_overload()),
        }
    }

    pub(super) fn insert(&mut self, slot: usize, key: &'p Node, value: Option<&'p Node>) -> Outcome<'a> {
        self.charge(1)?;
        if let Some(Slot::Ready(Err(error))) = self.slots.get(slot)
            && value.is_some()
        {
            return Err(error.clone());
        }
        let entries = if let Some(value) = value {
            let key = self.eval(key)?;
            let value = settled(self.eval(value))?;
            self.charge(1)?;
            vec![(key, value?)]
        } else {
            let update = settled(self.eval(key))?;
            self.charge(1)?;
            match update? {
                Value::Map(map) => map.entries(),
                other => {
                    return failed(format!("no such overload: cel.@mapInsert(map, {})", other.type_name()));
                }
            }
        };
        let before = self.taken(slot)?;
        let Value::Map(Map::Made(mut map)) = before else { return Err(EvalError::no_such_overload()) };
        let own = Arc::make_mut(&mut map);
        for (key, value) in entries {
            let Some(name) = key.as_key() else {
                return failed(format!("a map keyed by {} is not supported", key.type_name()));
            };
            if found(own, &name) {
                return failed(format!("insert failed: key {} already exists", gofmt::value(&key)));
            }
            own.insert(name, value);
        }
        Ok(Value::Map(Map::Made(map)))
    }
}

/// `1` and `1u` are the same to an insertion.
fn found<'a>(map: &BTreeMap<Key<'a>, Value<'a>>, name: &Key<'a>) -> bool {
    map.contains_key(name)
        || match name {
            Key::Int(value) => u64::try_from(*value).is_ok_and(|value| map.contains_key(&Key::Uint(value))),
            Key::Uint(value) => i64::try_from(*value).is_ok_and(|value| map.contains_key(&Key::Int(value))),
            Key::Double(value) => {
                gofmt::exact_int(*value).is_some_and(|value| map.contains_key(&Key::Int(value)))
                    || gofmt::exact_uint(*value).is_some_and(|value| map.contains_key(&Key::Uint(value)))
            }
            _ => false,
        }
}
