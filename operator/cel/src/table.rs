//! What can be called: the overloads of the API server's environment at 1.34, as its own `Env` lists them (written
//! by `tests/oracle`), and how each is evaluated.

use crate::error::EvalError;
use crate::library;
use crate::types::{Type, split_arguments};
use crate::value::Value;
use std::collections::HashMap;
use std::sync::LazyLock;

pub type Native = for<'a> fn(&[Value<'a>]) -> Result<Value<'a>, EvalError>;

#[derive(Debug)]
pub struct Overload {
    pub id: &'static str,
    pub member: bool,
    pub arguments: Vec<Type>,
    pub result: Type,
    /// None where the function is evaluated as a whole.
    pub native: Option<Native>,
}

#[derive(Debug)]
pub struct Function {
    pub name: &'static str,
    pub overloads: Vec<Overload>,
    /// For those that cel-go evaluates by what the values can do, whatever the overload.
    pub singleton: Option<Native>,
}

static TABLE: LazyLock<HashMap<&'static str, Function>> = LazyLock::new(|| {
    let mut table: HashMap<&'static str, Function> = HashMap::new();
    for line in include_str!("overloads.txt").lines() {
        // `_||_` holds the separator.
        let (name, rest) = match line.strip_prefix("_||_|") {
            Some(rest) => ("_||_", rest),
            None => line.split_once('|').unwrap_or((line, "")),
        };
        let mut parts = rest.split('|');
        let (Some(id), Some(arguments), Some(result)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let member = arguments.starts_with('.');
        let arguments: Option<Vec<Type>> =
            split_arguments(arguments.trim_start_matches('.')).into_iter().map(Type::parse).collect();
        let (Some(arguments), Some(result)) = (arguments, Type::parse(result)) else { continue };
        let singleton = library::singleton(name);
        let function =
            table.entry(name).or_insert_with(|| Function { name, overloads: Vec::new(), singleton });
        function.overloads.push(Overload { id, member, arguments, result, native: library::native(id) });
    }
    table
});

pub fn find(name: &str) -> Option<&'static Function> {
    TABLE.get(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_and_every_overload_is_evaluated_somehow() {
        let lines = include_str!("overloads.txt").lines().count();
        assert_eq!(TABLE.values().map(|function| function.overloads.len()).sum::<usize>(), lines);
        let without: Vec<&str> = TABLE
            .values()
            .filter(|function| function.singleton.is_none() && !library::is_form(function.name))
            .flat_map(|function| &function.overloads)
            .filter(|overload| overload.native.is_none())
            .map(|overload| overload.id)
            .collect();
        assert_eq!(without, Vec::<&str>::new());
    }
}
