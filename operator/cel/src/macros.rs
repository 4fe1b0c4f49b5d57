//! The macros of the API server's environment, expanded as cel-go expands them: costs follow from the expansion.

use crate::ast::{Call, Comprehension, Expr, Kind};
use crate::error::Refusal;
use crate::value::Value;

/// No identifier of a source can be that.
const ACCUMULATOR: &str = "@result";
const UNUSED: &str = "#unused";
const SORT_INPUT: &str = "@__sortBy_input__";

struct At(usize);

impl At {
    fn expr(&self, kind: Kind) -> Expr {
        Expr::new(self.0, kind)
    }

    fn ident(&self, name: &str) -> Expr {
        self.expr(Kind::Ident(name.to_owned()))
    }

    fn accumulator(&self) -> Expr {
        self.ident(ACCUMULATOR)
    }

    fn literal(&self, value: Value<'static>) -> Expr {
        self.expr(Kind::Literal(value))
    }

    fn call(&self, function: &str, arguments: Vec<Expr>) -> Expr {
        let call = Call { function: function.to_owned(), target: None, arguments, resolved: None };
        self.expr(Kind::Call(Box::new(call)))
    }

    fn member(&self, target: Expr, function: &str, arguments: Vec<Expr>) -> Expr {
        let call = Call { function: function.to_owned(), target: Some(target), arguments, resolved: None };
        self.expr(Kind::Call(Box::new(call)))
    }

    fn list(&self, element: Option<Expr>) -> Expr {
        self.expr(Kind::List(element.into_iter().map(|element| (element, false)).collect()))
    }

    fn comprehension(&self, parts: Comprehension) -> Expr {
        self.expr(Kind::Comprehension(Box::new(parts)))
    }

    /// `range` walked with the accumulator as the result.
    fn fold(&self, over: Over, init: Expr, step: Expr) -> Comprehension {
        Comprehension {
            range: over.range,
            variable: over.variable,
            second: over.second,
            accumulator: ACCUMULATOR.to_owned(),
            init,
            condition: self.literal(Value::Bool(true)),
            step,
            result: self.accumulator(),
        }
    }

    /// `name` bound to `value` in `within`, evaluated when it is first used.
    fn bind(&self, name: &str, value: Expr, within: Expr) -> Expr {
        self.comprehension(Comprehension {
            range: self.list(None),
            variable: UNUSED.to_owned(),
            second: None,
            accumulator: name.to_owned(),
            init: value,
            condition: self.literal(Value::Bool(false)),
            step: self.ident(name),
            result: within,
        })
    }

    fn when(&self, filter: Option<Expr>, step: Expr) -> Expr {
        match filter {
            Some(filter) => self.call("_?_:_", vec![filter, step, self.accumulator()]),
            None => step,
        }
    }
}

struct Over {
    range: Expr,
    variable: String,
    second: Option<String>,
}

pub fn expand(offset: usize, call: Call) -> Result<Expr, Refusal> {
    let at = At(offset);
    match (call.target, call.function.as_str(), call.arguments.len()) {
        (None, "has", 1) => has(offset, call.arguments),
        (Some(range), "all" | "exists" | "exists_one" | "map" | "filter", 2) | (Some(range), "map", 3) => {
            one_variable(&at, range, &call.function, call.arguments)
        }
        (
            Some(range),
            "all" | "exists" | "existsOne" | "exists_one" | "transformList" | "transformMap"
            | "transformMapEntry",
            3,
        )
        | (Some(range), "transformList" | "transformMap" | "transformMapEntry", 4) => {
            two_variables(&at, range, &call.function, call.arguments)
        }
        (Some(target), "optMap" | "optFlatMap", 2) => {
            optional(&at, target, call.function == "optFlatMap", call.arguments)
        }
        (Some(target), "sortBy", 2) => sort_by(&at, target, call.arguments),
        (target, _, _) => Ok(at.expr(Kind::Call(Box::new(Call { target, ..call })))),
    }
}

fn has(offset: usize, mut arguments: Vec<Expr>) -> Result<Expr, Refusal> {
    match arguments.pop().map(|argument| argument.kind) {
        Some(Kind::Select { operand, field, test: false }) => {
            Ok(Expr::new(offset, Kind::Select { operand, field, test: true }))
        }
        _ => Err(Refusal::new(offset, "invalid argument to has() macro")),
    }
}

fn variable(argument: &Expr, message: &str) -> Result<String, Refusal> {
    match &argument.kind {
        Kind::Ident(name) if name == "__result__" => {
            Err(Refusal::new(argument.offset, "iteration variable overwrites accumulator variable"))
        }
        Kind::Ident(name) => Ok(name.clone()),
        _ => Err(Refusal::new(argument.offset, message)),
    }
}

fn one_variable(at: &At, range: Expr, function: &str, arguments: Vec<Expr>) -> Result<Expr, Refusal> {
    let message = if matches!(function, "map" | "filter") {
        "argument is not an identifier"
    } else {
        "argument must be a simple name"
    };
    let mut arguments = arguments.into_iter();
    let (Some(name), Some(first)) = (arguments.next(), arguments.next()) else {
        return Err(Refusal::new(at.0, "missing arguments"));
    };
    let over = Over { range, variable: variable(&name, message)?, second: None };
    Ok(match (function, arguments.next()) {
        ("filter", _) => {
            let step = at.call("_+_", vec![at.accumulator(), at.list(Some(name))]);
            at.comprehension(at.fold(over, at.list(None), at.when(Some(first), step)))
        }
        ("map", second) => {
            let (filter, transform) = match second {
                Some(transform) => (Some(first), transform),
                None => (None, first),
            };
            let step = at.call("_+_", vec![at.accumulator(), at.list(Some(transform))]);
            at.comprehension(at.fold(over, at.list(None), at.when(filter, step)))
        }
        _ => quantifier(at, over, function, first),
    })
}

fn quantifier(at: &At, over: Over, function: &str, predicate: Expr) -> Expr {
    let (init, step) = match function {
        "all" => (Value::Bool(true), at.call("_&&_", vec![at.accumulator(), predicate])),
        "exists" => (Value::Bool(false), at.call("_||_", vec![at.accumulator(), predicate])),
        _ => {
            let more = at.call("_+_", vec![at.accumulator(), at.literal(Value::Int(1))]);
            (Value::Int(0), at.call("_?_:_", vec![predicate, more, at.accumulator()]))
        }
    };
    let mut parts = at.fold(over, at.literal(init), step);
    match function {
        "all" => parts.condition = at.call("@not_strictly_false", vec![at.accumulator()]),
        "exists" => {
            parts.condition = at.call("@not_strictly_false", vec![at.call("!_", vec![at.accumulator()])]);
        }
        _ => parts.result = at.call("_==_", vec![at.accumulator(), at.literal(Value::Int(1))]),
    }
    at.comprehension(parts)
}

fn two_variables(at: &At, range: Expr, function: &str, arguments: Vec<Expr>) -> Result<Expr, Refusal> {
    let mut arguments = arguments.into_iter();
    let (Some(first), Some(second), Some(third)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err(Refusal::new(at.0, "missing arguments"));
    };
    let message = "argument must be a simple name";
    let names = (variable(&first, message)?, variable(&second, message)?);
    if names.0 == names.1 {
        return Err(Refusal::new(second.offset, format!("duplicate variable name: {}", names.0)));
    }
    let (filter, transform) = match arguments.next() {
        Some(transform) => (Some(third), transform),
        None => (None, third),
    };
    let key = at.ident(&names.0);
    let over = Over { range, variable: names.0, second: Some(names.1) };
    let empty = || at.expr(Kind::Map(Vec::new()));
    let (init, step) = match function {
        "transformList" => (at.list(None), at.call("_+_", vec![at.accumulator(), at.list(Some(transform))])),
        "transformMap" => (empty(), at.call("cel.@mapInsert", vec![at.accumulator(), key, transform])),
        "transformMapEntry" => (empty(), at.call("cel.@mapInsert", vec![at.accumulator(), transform])),
        _ => return Ok(quantifier(at, over, function, transform)),
    };
    Ok(at.comprehension(at.fold(over, init, at.when(filter, step))))
}

fn optional(at: &At, target: Expr, flat: bool, arguments: Vec<Expr>) -> Result<Expr, Refusal> {
    let mut arguments = arguments.into_iter();
    let (Some(name), Some(within)) = (arguments.next(), arguments.next()) else {
        return Err(Refusal::new(at.0, "missing arguments"));
    };
    let what = if flat { "optFlatMap" } else { "optMap" };
    let name = variable(&name, &format!("{what}() variable name must be a simple identifier"))?;
    let bound = at.bind(&name, at.member(target.clone(), "value", Vec::new()), within);
    let some = if flat { bound } else { at.call("optional.of", vec![bound]) };
    let present = at.member(target, "hasValue", Vec::new());
    Ok(at.call("_?_:_", vec![present, some, at.call("optional.none", Vec::new())]))
}

fn sort_by(at: &At, target: Expr, arguments: Vec<Expr>) -> Result<Expr, Refusal> {
    if matches!(target.kind, Kind::Literal(_) | Kind::Map(_)) {
        return Err(Refusal::new(
            target.offset,
            "sortBy can only be applied to a list, identifier, comprehension, call or select expression",
        ));
    }
    let keys = one_variable(at, at.ident(SORT_INPUT), "map", arguments)?;
    let sorted = at.member(at.ident(SORT_INPUT), "@sortByAssociatedKeys", vec![keys]);
    Ok(at.bind(SORT_INPUT, target, sorted))
}
