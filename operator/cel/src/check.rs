//! What cel-go's checker refuses, and which overload each call means: the price of a call depends on it.

use crate::ast::{Call, Comprehension, Expr, Kind};
use crate::env::Declared;
use crate::error::Refusal;
use crate::objects;
use crate::table;
use crate::types::{Mapping, Type, most_general};
use crate::value::Value;

pub struct Checker<'e> {
    declared: &'e Declared,
    /// Innermost last.
    scopes: Vec<(String, Type)>,
    mapping: Mapping,
}

/// Types are written into the expression.
pub fn check(expr: &mut Expr, declared: &Declared) -> Result<Type, Refusal> {
    let mut checker = Checker { declared, scopes: Vec::new(), mapping: Mapping::default() };
    checker.check(expr)?;
    finish(expr, &checker.mapping);
    Ok(expr.type_of.clone())
}

/// The types as they are known at the end.
fn finish(expr: &mut Expr, mapping: &Mapping) {
    expr.type_of = mapping.substitute(&expr.type_of, true);
    for child in children(expr) {
        finish(child, mapping);
    }
}

pub fn children(expr: &mut Expr) -> Vec<&mut Expr> {
    match &mut expr.kind {
        Kind::Literal(_) | Kind::Ident(_) | Kind::Global(_) | Kind::Defined(_) => Vec::new(),
        Kind::Select { operand, .. } => vec![operand],
        Kind::Call(call) => call.target.iter_mut().chain(&mut call.arguments).collect(),
        Kind::List(elements) => elements.iter_mut().map(|(element, _)| element).collect(),
        Kind::Map(entries) => entries.iter_mut().flat_map(|(key, value, _)| [key, value]).collect(),
        Kind::Comprehension(parts) => {
            vec![&mut parts.range, &mut parts.init, &mut parts.condition, &mut parts.step, &mut parts.result]
        }
    }
}

fn undeclared(offset: usize, name: &str) -> Refusal {
    if name == "authorizer" || name.starts_with("authorizer.") {
        return Refusal::new(offset, "`authorizer` asks the API server: it is not known here");
    }
    Refusal::new(offset, format!("undeclared reference to '{name}' (in container '')"))
}

impl Checker<'_> {
    fn check(&mut self, expr: &mut Expr) -> Result<Type, Refusal> {
        let offset = expr.offset;
        let found = match &mut expr.kind {
            Kind::Literal(value) => literal(value),
            Kind::Ident(name) => {
                if let Some((_, local)) = self.scopes.iter().rev().find(|(own, _)| own == name) {
                    local.clone()
                } else {
                    let name = name.clone();
                    self.named(expr, &name).ok_or_else(|| undeclared(offset, &name))?
                }
            }
            Kind::Global(_) | Kind::Defined(_) => return Ok(expr.type_of.clone()),
            Kind::Select { .. } => self.select(expr)?,
            Kind::Call(call) => self.call(offset, call)?,
            Kind::List(elements) => self.list(elements)?,
            Kind::Map(entries) => self.map(entries)?,
            Kind::Comprehension(parts) => self.comprehension(parts)?,
        };
        expr.type_of = found.clone();
        Ok(found)
    }

    /// A variable of the environment, or a type.
    fn named(&self, expr: &mut Expr, name: &str) -> Option<Type> {
        if let Some(at) = self.declared.find(name) {
            expr.kind = Kind::Global(at);
            return self.declared.type_of(at);
        }
        let of = objects::type_named(name)?;
        expr.kind = Kind::Literal(Value::Type(of.name()));
        Some(Type::Kind(Some(std::sync::Arc::new(of))))
    }

    fn select(&mut self, expr: &mut Expr) -> Result<Type, Refusal> {
        let offset = expr.offset;
        let qualified = expr.qualified_name();
        if let Some(name) = &qualified {
            let root = name.split('.').next().unwrap_or(name);
            let shadowed = self.scopes.iter().any(|(own, _)| own == root);
            if !shadowed && let Some(found) = self.named(expr, name) {
                return Ok(found);
            }
        }
        let Kind::Select { operand, field, test } = &mut expr.kind else { return Ok(Type::Dyn) };
        let (field, test) = (field.clone(), *test);
        if let Kind::Ident(root) = &operand.kind
            && root == "variables"
            && !self.scopes.iter().any(|(own, _)| own == root)
        {
            if let Some(at) = self.declared.find(&format!("variables.{field}")) {
                expr.kind = Kind::Defined(at);
                return Ok(Type::Bool);
            }
            return Err(Refusal::new(offset, format!("undefined field '{field}'")));
        }
        let found = self.field(offset, operand, &field, false)?;
        Ok(if test { Type::Bool } else { self.mapping.substitute(&found, false) })
    }

    fn field(
        &mut self,
        offset: usize,
        operand: &mut Expr,
        field: &str,
        optional: bool,
    ) -> Result<Type, Refusal> {
        let operand = self.check(operand)?;
        let (target, was_optional) = self.mapping.substitute(&operand, false).unwrap_optional();
        let result = match &target {
            Type::Map(entry) => entry.1.clone(),
            Type::Struct(name) => objects::field(name, field)
                .ok_or_else(|| Refusal::new(offset, format!("undefined field '{field}'")))?,
            Type::Var(_) => {
                self.mapping.assignable(&[Type::Dyn], std::slice::from_ref(&target));
                Type::Dyn
            }
            Type::Dyn => Type::Dyn,
            other => {
                return Err(Refusal::new(offset, format!("type '{other}' does not support field selection")));
            }
        };
        Ok(if was_optional || optional { Type::optional(result) } else { result })
    }

    fn call(&mut self, offset: usize, call: &mut Call) -> Result<Type, Refusal> {
        if call.function == "_?._" {
            return self.optional_field(offset, call);
        }
        for argument in &mut call.arguments {
            self.check(argument)?;
        }
        let Some(target) = &mut call.target else {
            return self.resolve(offset, call);
        };
        if let Some(prefix) = target.qualified_name() {
            let qualified = format!("{prefix}.{}", call.function);
            if table::find(&qualified).is_some() {
                call.function = qualified;
                call.target = None;
                return self.resolve(offset, call);
            }
        }
        self.check(target)?;
        self.resolve(offset, call)
    }

    fn optional_field(&mut self, offset: usize, call: &mut Call) -> Result<Type, Refusal> {
        let [operand, field] = call.arguments.as_mut_slice() else {
            return Err(Refusal::new(offset, "unsupported optional field selection"));
        };
        let Kind::Literal(Value::String(name)) = &field.kind else {
            return Err(Refusal::new(offset, "unsupported optional field selection"));
        };
        field.type_of = Type::String;
        let name = name.to_string();
        let found = self.field(offset, operand, &name, true)?;
        call.resolved = table::find("_?._").map(|function| (function, Some(0)));
        Ok(self.mapping.substitute(&found, false))
    }

    fn resolve(&mut self, offset: usize, call: &mut Call) -> Result<Type, Refusal> {
        let Some(function) = table::find(&call.function) else {
            return Err(undeclared(offset, &call.function));
        };
        let given: Vec<Type> =
            call.target.iter().chain(&call.arguments).map(|argument| argument.type_of.clone()).collect();
        if matches!(function.name, "_&&_" | "_||_") {
            for (argument, type_of) in call.arguments.iter().zip(&given) {
                if !self.mapping.assignable(std::slice::from_ref(type_of), &[Type::Bool]) {
                    return Err(self.mismatch(argument.offset, &Type::Bool, type_of));
                }
            }
            call.resolved = Some((function, Some(0)));
            return Ok(Type::Bool);
        }
        let mut result: Option<Type> = None;
        let mut matching = Vec::new();
        for (at, overload) in function.overloads.iter().enumerate() {
            if overload.member != call.target.is_some() {
                continue;
            }
            let mut names: Vec<(char, usize)> = Vec::new();
            let mapping = &mut self.mapping;
            let mut variables = |name: char| {
                if let Some((_, variable)) = names.iter().find(|(own, _)| *own == name) {
                    return *variable;
                }
                let variable = mapping.fresh();
                names.push((name, variable));
                variable
            };
            let wanted: Vec<Type> =
                overload.arguments.iter().map(|argument| argument.instantiate(&mut variables)).collect();
            let result_type = overload.result.instantiate(&mut variables);
            if !self.mapping.assignable(&given, &wanted) {
                continue;
            }
            matching.push(at);
            let result_type = self.mapping.substitute(&result_type, false);
            result = Some(match result {
                None => result_type,
                Some(Type::Dyn) => Type::Dyn,
                Some(before) if before == result_type => before,
                Some(_) => Type::Dyn,
            });
        }
        let Some(result) = result else {
            return Err(self.no_overload(offset, function.name, &given, call.target.is_some()));
        };
        let only = if let [only] = matching[..] { Some(only) } else { None };
        call.resolved = Some((function, only));
        Ok(result)
    }

    fn no_overload(&self, offset: usize, function: &str, given: &[Type], member: bool) -> Refusal {
        let names: Vec<String> =
            given.iter().map(|of| self.mapping.substitute(of, true).to_string()).collect();
        let signature = match names.split_first() {
            Some((target, rest)) if member => format!("{target}.({})", rest.join(", ")),
            _ => format!("({})", names.join(", ")),
        };
        Refusal::new(offset, format!("found no matching overload for '{function}' applied to '{signature}'"))
    }

    fn mismatch(&self, offset: usize, wanted: &Type, given: &Type) -> Refusal {
        let given = self.mapping.substitute(given, true);
        Refusal::new(offset, format!("expected type '{wanted}' but found '{given}'"))
    }

    fn list(&mut self, elements: &mut [(Expr, bool)]) -> Result<Type, Refusal> {
        let mut joined = None;
        for (element, optional) in elements {
            let mut of = self.check(element)?;
            if *optional {
                of = self.unwrapped(element.offset, of)?;
            }
            joined = Some(self.join(joined, of));
        }
        Ok(Type::list(joined.unwrap_or_else(|| Type::Var(self.mapping.fresh()))))
    }

    fn unwrapped(&self, offset: usize, of: Type) -> Result<Type, Refusal> {
        let (inner, optional) = of.unwrap_optional();
        if !optional && inner != Type::Dyn {
            return Err(self.mismatch(offset, &Type::optional(inner.clone()), &inner));
        }
        Ok(inner)
    }

    fn map(&mut self, entries: &mut [(Expr, Expr, bool)]) -> Result<Type, Refusal> {
        let (mut keys, mut values) = (None, None);
        for (key, value, optional) in entries {
            let key_type = self.check(key)?;
            keys = Some(self.join(keys, key_type));
            let mut of = self.check(value)?;
            if *optional {
                of = self.unwrapped(value.offset, of)?;
            }
            values = Some(self.join(values, of));
        }
        let mut or_free = |known: Option<Type>| known.unwrap_or_else(|| Type::Var(self.mapping.fresh()));
        Ok(Type::map(or_free(keys), or_free(values)))
    }

    /// What differs is refused later, where it is not for `format`.
    fn join(&mut self, before: Option<Type>, now: Type) -> Type {
        let Some(before) = before else { return now };
        if self.mapping.assignable(std::slice::from_ref(&before), std::slice::from_ref(&now)) {
            return most_general(&before, &now).clone();
        }
        Type::Dyn
    }

    fn comprehension(&mut self, parts: &mut Comprehension) -> Result<Type, Refusal> {
        let range = self.check(&mut parts.range)?;
        let accumulator = self.check(&mut parts.init)?;
        let range = self.mapping.substitute(&range, false);
        let two = parts.second.is_some();
        let (first, second) = match &range {
            Type::List(element) if two => (Type::Int, (**element).clone()),
            Type::List(element) => ((**element).clone(), Type::Dyn),
            Type::Map(entry) => (entry.0.clone(), entry.1.clone()),
            Type::Dyn | Type::Var(_) => {
                self.mapping.assignable(&[Type::Dyn], std::slice::from_ref(&range));
                (Type::Dyn, Type::Dyn)
            }
            other => {
                let text = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                return Err(Refusal::new(parts.range.offset, text));
            }
        };
        let depth = self.scopes.len();
        self.scopes.push((parts.accumulator.clone(), accumulator.clone()));
        self.scopes.push((parts.variable.clone(), first));
        if let Some(name) = &parts.second {
            self.scopes.push((name.clone(), second));
        }
        let condition = self.check(&mut parts.condition)?;
        self.assert(parts.condition.offset, &Type::Bool, &condition)?;
        let step = self.check(&mut parts.step)?;
        self.assert(parts.step.offset, &accumulator, &step)?;
        self.scopes.truncate(depth + 1);
        let result = self.check(&mut parts.result)?;
        self.scopes.truncate(depth);
        Ok(self.mapping.substitute(&result, false))
    }

    fn assert(&mut self, offset: usize, wanted: &Type, given: &Type) -> Result<(), Refusal> {
        if self.mapping.assignable(std::slice::from_ref(wanted), std::slice::from_ref(given)) {
            return Ok(());
        }
        Err(self.mismatch(offset, wanted, given))
    }
}

fn literal(value: &Value<'static>) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Uint(_) => Type::Uint,
        Value::Double(_) => Type::Double,
        Value::String(_) => Type::String,
        Value::Bytes(_) => Type::Bytes,
        _ => Type::Dyn,
    }
}
