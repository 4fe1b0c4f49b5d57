//! What an expression may name, and what it is given.

use crate::ast::Expr;
use crate::check;
use crate::compile::Planner;
use crate::cost::Budget;
use crate::error::{CompileError, EvalError, failed};
use crate::eval::Evaluation;
use crate::library;
use crate::objects;
use crate::parse;
use crate::tree::Node;
use crate::types::Type;
use crate::value::Value;
use regex::Regex;
use serde_json::Value as Json;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

/// Names and their types; a later one wins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declared(Vec<(String, Type)>);

impl Declared {
    pub fn find(&self, name: &str) -> Option<usize> {
        self.0.iter().rposition(|(own, _)| own == name)
    }

    pub fn type_of(&self, at: usize) -> Option<Type> {
        self.0.get(at).map(|(_, of)| of.clone())
    }

    fn name(&self, at: usize) -> &str {
        self.0.get(at).map_or("", |(name, _)| name)
    }

    /// Whether the slots of `other` mean the same here.
    fn extends(&self, other: &Declared) -> bool {
        self.0.len() >= other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| a.0 == b.0)
    }
}

/// The variables of an expression. `request` and `namespaceObject` have the types of the API server's admission
/// environment, any other is `dyn`, as `object`, `oldObject` and `params` are there. A variable of a policy is named
/// `variables.x`.
#[derive(Clone, Debug)]
pub struct Env {
    declared: Arc<Declared>,
}

impl Env {
    pub fn new(names: &[&str]) -> Env {
        let all = names.iter().map(|name| ((*name).to_owned(), objects::variable(name))).collect();
        Env { declared: Arc::new(Declared(all)) }
    }

    /// This one and `variables.<name>`, of the type that `program` gives: the API server refuses what does not suit
    /// that type. An [`Activation`] of the result serves programs of this one, too.
    #[must_use]
    pub fn with_variable(&self, name: &str, program: &Program) -> Env {
        let mut declared = (*self.declared).clone();
        declared.0.push((format!("variables.{name}"), objects::as_declared(&program.result)));
        Env { declared: Arc::new(declared) }
    }

    pub fn compile(&self, source: &str) -> Result<Program, CompileError> {
        self.compiled(source).map_err(|refusal| refusal.place(source))
    }

    fn compiled(&self, source: &str) -> Result<Program, crate::error::Refusal> {
        let mut expr: Expr = parse::parse(source)?;
        let result = check::check(&mut expr, &self.declared)?;
        library::validate(&mut expr)?;
        let mut planner = Planner::default();
        let root = planner.plan(expr)?;
        let slots = planner.slots;
        Ok(Program { source: source.to_owned(), declared: self.declared.clone(), root, slots, result })
    }

    /// Refused where it is not statically a boolean: the API server refuses a rule that is `dyn`.
    pub fn compile_bool(&self, source: &str) -> Result<Program, CompileError> {
        self.compile_to(source, &Type::Bool)
    }

    /// Refused where it is not statically a text.
    pub fn compile_string(&self, source: &str) -> Result<Program, CompileError> {
        self.compile_to(source, &Type::String)
    }

    fn compile_to(&self, source: &str, wanted: &Type) -> Result<Program, CompileError> {
        let program = self.compile(source)?;
        if program.result == *wanted {
            return Ok(program);
        }
        let message = format!("must evaluate to {} but got {}", wanted.name(), program.result);
        Err(CompileError { line: 1, column: 1, message })
    }
}

/// A compiled expression.
#[derive(Debug)]
pub struct Program {
    source: String,
    declared: Arc<Declared>,
    root: Node,
    slots: usize,
    result: Type,
}

impl Program {
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it gives, as cel-go prints the type.
    pub fn result_type(&self) -> String {
        self.result.to_string()
    }

    pub fn evaluate<'a>(
        &self,
        activation: &Activation<'a>,
        budget: &mut Budget<'_>,
    ) -> Result<Value<'a>, EvalError> {
        let (outcome, cost) = self.measured(activation, budget);
        budget.spend(cost)?;
        outcome
    }

    /// The outcome and what it cost, which is taken from no budget; what its variables cost is.
    pub fn measured<'a>(
        &self,
        activation: &Activation<'a>,
        budget: &mut Budget<'_>,
    ) -> (Result<Value<'a>, EvalError>, u64) {
        let same = Arc::ptr_eq(&self.declared, &activation.declared);
        if !same && !activation.declared.extends(&self.declared) {
            return (failed("evaluated with the variables of another environment"), 0);
        }
        let mut evaluation = Evaluation::new(activation, budget, self.slots);
        let outcome = evaluation.eval(&self.root);
        (outcome, evaluation.cost())
    }

    pub fn bool(&self, activation: &Activation<'_>, budget: &mut Budget<'_>) -> Result<bool, EvalError> {
        match self.evaluate(activation, budget)? {
            Value::Bool(value) => Ok(value),
            other => failed(format!("must evaluate to bool but got {}", other.type_name())),
        }
    }

    pub fn string(&self, activation: &Activation<'_>, budget: &mut Budget<'_>) -> Result<String, EvalError> {
        match self.evaluate(activation, budget)? {
            Value::String(text) => Ok(text.to_string()),
            other => failed(format!("must evaluate to string but got {}", other.type_name())),
        }
    }
}

pub(crate) enum Bound<'a> {
    Nothing,
    Json(&'a Json),
    Program(Lazy<'a>),
}

/// What a policy's variable is: evaluated at most once, whoever asks.
pub(crate) struct Lazy<'a> {
    name: String,
    program: &'a Program,
    running: Cell<bool>,
    outcome: OnceCell<Result<Value<'a>, EvalError>>,
}

impl<'a> Lazy<'a> {
    /// The inner result is the variable's, the outer one ends the evaluation that asks.
    pub fn get(
        &self,
        activation: &Activation<'a>,
        budget: &mut Budget<'_>,
    ) -> Result<Result<Value<'a>, EvalError>, EvalError> {
        if let Some(outcome) = self.outcome.get() {
            return Ok(outcome.clone());
        }
        if self.running.replace(true) {
            return Ok(failed(format!("composited variable \"{}\" asks for itself", self.name)));
        }
        let outcome = self.program.evaluate(activation, budget);
        self.running.set(false);
        let outcome = match outcome {
            Err(EvalError::TimedOut) => return Err(EvalError::TimedOut),
            Err(EvalError::CostExceeded) if budget.left() == 0 => return Err(EvalError::CostExceeded),
            Err(error) => {
                let name = &self.name;
                failed(format!("composited variable \"{name}\" fails to evaluate: {error}"))
            }
            Ok(value) => Ok(value),
        };
        Ok(self.outcome.get_or_init(|| outcome).clone())
    }
}

/// The values of the variables. One serves every program that is evaluated on an object: what the policy's variables
/// gave stays in it.
pub struct Activation<'a> {
    declared: Arc<Declared>,
    bound: Vec<Bound<'a>>,
    /// Patterns that are not literals, once compiled.
    pub(crate) patterns: RefCell<HashMap<String, Arc<Regex>>>,
}

impl<'a> Activation<'a> {
    pub fn new(env: &Env) -> Activation<'a> {
        let bound = env.declared.0.iter().map(|_| Bound::Nothing).collect();
        Activation { declared: env.declared.clone(), bound, patterns: RefCell::default() }
    }

    /// A name that is not of the environment is passed over: no program can ask for it.
    pub fn bind(&mut self, name: &str, value: &'a Json) {
        self.set(name, Bound::Json(value));
    }

    /// `variables.x`: the program is evaluated when it is first asked for. It may ask for variables itself.
    pub fn bind_lazy(&mut self, name: &str, program: &'a Program) {
        let short = name.strip_prefix("variables.").unwrap_or(name).to_owned();
        self.set(
            name,
            Bound::Program(Lazy {
                name: short,
                program,
                running: Cell::new(false),
                outcome: OnceCell::new(),
            }),
        );
    }

    fn set(&mut self, name: &str, to: Bound<'a>) {
        if let Some(slot) = self.declared.find(name).and_then(|at| self.bound.get_mut(at)) {
            *slot = to;
        }
    }

    pub(crate) fn bound(&self, at: usize) -> Option<&Bound<'a>> {
        self.bound.get(at)
    }

    pub(crate) fn name(&self, at: usize) -> &str {
        self.declared.name(at)
    }
}
