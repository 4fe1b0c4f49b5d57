//! A rule of a file, compiled, and what it says of an object.

use crate::render::{Rendered, VARIABLES, is_on_pods, render};
use serde_json::Value as Json;
use snc_cel::{Activation, Budget, Env, EvalError, Program, Value};
use snc_core::control::{Control, Rule};
use snc_core::text::Text;
use snc_core::verdict::{Outcome, Verdict};
use std::sync::{LazyLock, OnceLock};

/// The shared variables, each typed as its expression is, in the order in which one may use the other.
struct Shared {
    env: Env,
    variables: Vec<(String, Program)>,
    broken: Option<String>,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let mut shared =
        Shared { env: Env::new(&["object", "variables.params"]), variables: Vec::new(), broken: None };
    for (name, source) in VARIABLES {
        match shared.env.compile(source) {
            Ok(program) => {
                shared.env = shared.env.with_variable(name, &program);
                shared.variables.push((format!("variables.{name}"), program));
            }
            // The first one: others may ask for it.
            Err(error) => {
                shared.broken.get_or_insert(format!("variables.{name}: {error}"));
            }
        }
    }
    shared
});

/// Variables that of a pod are its template's: pods of one template are judged once, by nothing of their own.
const OF_TEMPLATES: &[&str] = &[
    "at",
    "metaAt",
    "podSpec",
    "podLabels",
    "podAnnotations",
    "containers",
    "initContainers",
    "ephemeralContainers",
    "allContainers",
    "located",
    "contexts",
    "images",
    "commands",
    "texts",
];

/// What a rule may name: on pods, only what is every pod's of a template. `self` is an element of `each`.
pub(crate) fn names(on_pods: bool, with_self: bool) -> Env {
    let own: &[&str] = match (on_pods, with_self) {
        (false, false) => &["object", "variables.params"],
        (false, true) => &["object", "variables.params", "self"],
        (true, false) => &["variables.params"],
        (true, true) => &["variables.params", "self"],
    };
    let mut env = Env::new(own);
    for (name, program) in &SHARED.variables {
        let short = name.strip_prefix("variables.").unwrap_or(name);
        if !on_pods || OF_TEMPLATES.contains(&short) {
            env = env.with_variable(short, program);
        }
    }
    env
}

pub struct Compiled {
    applies: Option<Program>,
    validation: Program,
    /// The longest of its expressions, which only a failure needs.
    told: OnceLock<Result<Told, String>>,
    rendered: Rendered,
    title: Text,
}

struct Told {
    message: [Program; 2],
    paths: Program,
}

impl Told {
    fn new(rendered: &Rendered) -> Result<Self, String> {
        let string = |what, source: &str| SHARED.env.compile_string(source).map_err(told(what, source));
        Ok(Self {
            message: [
                string("message.fr", &rendered.message.fr)?,
                string("message.en", &rendered.message.en)?,
            ],
            paths: SHARED.env.compile(&rendered.paths).map_err(told("path", &rendered.paths))?,
        })
    }
}

fn told(what: &str, source: &str) -> impl FnOnce(snc_cel::CompileError) -> String {
    let (what, source) = (what.to_owned(), source.to_owned());
    move |error| format!("{what}: {error}\n  {source}")
}

impl Compiled {
    pub fn new(control: &Control, rule: &Rule) -> Result<Self, String> {
        let rendered = render(control, rule)?;
        let env = &SHARED.env;
        let bool = |what, source: &str| env.compile_bool(source).map_err(told(what, source));
        if let Some(broken) = &SHARED.broken {
            return Err(broken.clone());
        }
        if is_on_pods(control)
            && [&rendered.validation, &rendered.message.fr, &rendered.message.en]
                .iter()
                .any(|source| source.contains("object."))
        {
            // Pods of one template are judged once, by what of them is the template's.
            return Err(
                "a rule on pods reads variables.podSpec, podLabels and podAnnotations, not object".to_owned()
            );
        }
        Ok(Self {
            applies: rule.applies.as_deref().map(|source| bool("applies", source)).transpose()?,
            validation: bool("expect", &rendered.validation)?,
            told: OnceLock::new(),
            rendered,
            title: control.title.clone(),
        })
    }

    fn told(&self) -> Result<&Told, &String> {
        self.told.get_or_init(|| Told::new(&self.rendered)).as_ref()
    }

    /// Compiles what is left to compile.
    pub fn complete(&self) -> Result<(), String> {
        self.told().map(drop).map_err(Clone::clone)
    }

    /// What the rule says of what is bound.
    pub fn judge(&self, bound: &Activation<'_>) -> Outcome {
        let mut budget = Budget::new();
        match self.verdict(bound, &mut budget) {
            Ok(Verdict::Fail) => {
                let told = match self.told() {
                    Ok(told) => told,
                    Err(why) => return unusable(why),
                };
                let say = |lang: usize, title: &str| Self::said(&told.message[lang], bound, title);
                let mut outcome = Outcome::fail(say(0, &self.title.fr), say(1, &self.title.en));
                outcome.paths = found(&told.paths, bound);
                outcome
            }
            Ok(Verdict::NotApplicable) => Outcome::not_applicable(),
            Ok(_) => Outcome::pass(),
            Err(EvalError::Failed(why)) => Outcome::unreadable(why),
            Err(EvalError::CostExceeded) => Outcome::unknown("trop long à évaluer", "too costly to evaluate"),
            Err(EvalError::TimedOut) => Outcome::unknown("délai dépassé", "took too long"),
        }
    }

    fn verdict(&self, bound: &Activation<'_>, budget: &mut Budget<'_>) -> Result<Verdict, EvalError> {
        if let Some(applies) = &self.applies
            && !applies.bool(bound, budget)?
        {
            return Ok(Verdict::NotApplicable);
        }
        Ok(if self.validation.bool(bound, budget)? { Verdict::Pass } else { Verdict::Fail })
    }

    /// What cannot be said, or what the API server would not say, is the title.
    fn said(message: &Program, bound: &Activation<'_>, title: &str) -> String {
        match message.string(bound, &mut Budget::new()) {
            Ok(text) if !text.trim().is_empty() && !text.contains(['\n', '\r']) && text.len() <= 5 * 1024 => {
                text.trim().to_owned()
            }
            _ => title.to_owned(),
        }
    }
}

fn found(paths: &Program, bound: &Activation<'_>) -> Vec<String> {
    match paths.evaluate(bound, &mut Budget::new()) {
        Ok(Value::List(list)) => list.iter().filter_map(text).collect(),
        _ => Vec::new(),
    }
}

/// What a rule that does not compile says of everything.
pub(crate) fn unusable(why: &str) -> Outcome {
    Outcome::unknown(format!("la règle ne compile pas : {why}"), format!("the rule does not compile: {why}"))
}

fn text(value: Value<'_>) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string()),
        _ => None,
    }
}

/// An object for all its rules; parameters are each rule's own.
pub(crate) fn bind(object: &Json) -> Activation<'_> {
    let shared = &*SHARED;
    let mut bound = Activation::new(&shared.env);
    bound.bind("object", object);
    for (name, program) in &shared.variables {
        bound.bind_lazy(name, program);
    }
    bound
}

/// No shared variable reads them, so that they can be changed between rules.
pub(crate) fn set_params<'a>(bound: &mut Activation<'a>, params: &'a Json) {
    bound.bind("variables.params", params);
}
