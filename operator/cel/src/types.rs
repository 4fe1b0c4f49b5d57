//! Static types, and when one may stand where another is wanted: cel-go's checker, `types.go`.

use std::fmt;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    Bytes,
    Double,
    Duration,
    Dyn,
    Int,
    Null,
    String,
    Timestamp,
    Uint,
    List(Arc<Type>),
    Map(Arc<(Type, Type)>),
    /// The type of a type.
    Kind(Option<Arc<Type>>),
    /// An object of Kubernetes; its fields are looked up by this name.
    Struct(&'static str),
    Opaque(&'static str, Vec<Type>),
    /// A parameter of an overload, named.
    Param(char),
    /// A parameter that one call has.
    Var(usize),
}

pub const OPTIONAL: &str = "optional_type";

impl Type {
    pub fn list(element: Type) -> Type {
        Type::List(Arc::new(element))
    }

    pub fn map(key: Type, value: Type) -> Type {
        Type::Map(Arc::new((key, value)))
    }

    pub fn optional(value: Type) -> Type {
        Type::Opaque(OPTIONAL, vec![value])
    }

    pub fn unwrap_optional(&self) -> (Type, bool) {
        match self {
            Type::Opaque(OPTIONAL, parameters) => (parameters.first().cloned().unwrap_or(Type::Dyn), true),
            other => (other.clone(), false),
        }
    }

    /// As cel-go prints it, without parameters: what errors at run time name.
    pub fn name(&self) -> &'static str {
        match self {
            Type::Bool => "bool",
            Type::Bytes => "bytes",
            Type::Double => "double",
            Type::Duration => "google.protobuf.Duration",
            Type::Dyn | Type::Param(_) | Type::Var(_) => "dyn",
            Type::Int => "int",
            Type::Null => "null_type",
            Type::String => "string",
            Type::Timestamp => "google.protobuf.Timestamp",
            Type::Uint => "uint",
            Type::List(_) => "list",
            Type::Map(_) => "map",
            Type::Kind(_) => "type",
            Type::Struct(name) | Type::Opaque(name, _) => name,
        }
    }

    fn parameters(&self) -> Vec<&Type> {
        match self {
            Type::List(element) => vec![element],
            Type::Map(entry) => vec![&entry.0, &entry.1],
            Type::Kind(Some(of)) => vec![of],
            Type::Opaque(_, parameters) => parameters.iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Reads what cel-go prints.
    pub fn parse(text: &str) -> Option<Type> {
        let (head, arguments) = match text.split_once('(') {
            Some((head, rest)) => (head, split_arguments(rest.strip_suffix(')')?)),
            None => (text, Vec::new()),
        };
        let mut arguments = arguments.into_iter().map(Type::parse);
        Some(match head {
            "bool" => Type::Bool,
            "bytes" => Type::Bytes,
            "double" => Type::Double,
            "google.protobuf.Duration" => Type::Duration,
            "dyn" => Type::Dyn,
            "int" => Type::Int,
            "null_type" => Type::Null,
            "string" => Type::String,
            "google.protobuf.Timestamp" => Type::Timestamp,
            "uint" => Type::Uint,
            "list" => Type::list(arguments.next()??),
            "map" => Type::map(arguments.next()??, arguments.next()??),
            "type" => Type::Kind(arguments.next().flatten().map(Arc::new)),
            "optional_type" => Type::optional(arguments.next()??),
            "net.IP" => Type::Opaque("net.IP", Vec::new()),
            "net.CIDR" => Type::Opaque("net.CIDR", Vec::new()),
            "kubernetes.Quantity" => Type::Struct("kubernetes.Quantity"),
            "kubernetes.URL" => Type::Struct("kubernetes.URL"),
            "kubernetes.Semver" => Type::Struct("kubernetes.Semver"),
            "kubernetes.NamedFormat" => Type::Struct("kubernetes.NamedFormat"),
            parameter => Type::Param(parameter.strip_prefix('<')?.strip_suffix('>')?.chars().next()?),
        })
    }

    /// The overload's own parameters replaced by those of one call.
    pub fn instantiate(&self, variables: &mut dyn FnMut(char) -> usize) -> Type {
        match self {
            Type::Param(name) => Type::Var(variables(*name)),
            Type::List(element) => Type::list(element.instantiate(variables)),
            Type::Map(entry) => Type::map(entry.0.instantiate(variables), entry.1.instantiate(variables)),
            Type::Kind(Some(of)) => Type::Kind(Some(Arc::new(of.instantiate(variables)))),
            Type::Opaque(name, parameters) => {
                Type::Opaque(name, parameters.iter().map(|p| p.instantiate(variables)).collect())
            }
            other => other.clone(),
        }
    }
}

/// At the top level only: `string, map(string, int)` is two.
pub fn split_arguments(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let mut start = 0;
    let mut parts = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    if start < text.len() {
        parts.push(text[start..].trim());
    }
    parts
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Null => f.write_str("null"),
            Type::Duration => f.write_str("duration"),
            Type::Timestamp => f.write_str("timestamp"),
            other => f.write_str(other.name()),
        }?;
        let parameters = self.parameters();
        if !parameters.is_empty() {
            let all: Vec<String> = parameters.iter().map(ToString::to_string).collect();
            write!(f, "({})", all.join(", "))?;
        }
        Ok(())
    }
}

/// What is known of each [`Type::Var`].
#[derive(Clone, Default)]
pub struct Mapping(Vec<Option<Type>>);

impl Mapping {
    pub fn fresh(&mut self) -> usize {
        self.0.push(None);
        self.0.len() - 1
    }

    fn find(&self, variable: usize) -> Option<&Type> {
        self.0.get(variable)?.as_ref()
    }

    fn set(&mut self, variable: usize, to: Type) {
        if let Some(slot) = self.0.get_mut(variable) {
            *slot = Some(to);
        }
    }

    pub fn substitute(&self, of: &Type, free_to_dyn: bool) -> Type {
        match of {
            Type::Var(variable) => match self.find(*variable) {
                Some(known) => self.substitute(known, free_to_dyn),
                None if free_to_dyn => Type::Dyn,
                None => of.clone(),
            },
            Type::List(element) => Type::list(self.substitute(element, free_to_dyn)),
            Type::Map(entry) => {
                Type::map(self.substitute(&entry.0, free_to_dyn), self.substitute(&entry.1, free_to_dyn))
            }
            Type::Kind(Some(inner)) => Type::Kind(Some(Arc::new(self.substitute(inner, free_to_dyn)))),
            Type::Opaque(name, parameters) => Type::Opaque(
                name,
                parameters.iter().map(|parameter| self.substitute(parameter, free_to_dyn)).collect(),
            ),
            other => other.clone(),
        }
    }

    /// Whether each of the second may be given where each of the first is; what is learnt of the variables is kept
    /// only then.
    pub fn assignable(&mut self, first: &[Type], second: &[Type]) -> bool {
        let mut copy = self.clone();
        let all = first.len() == second.len()
            && first.iter().zip(second).all(|(a, b)| copy.internal_assignable(a, b));
        if all {
            *self = copy;
        }
        all
    }

    fn internal_assignable(&mut self, a: &Type, b: &Type) -> bool {
        if let Type::Var(variable) = b {
            match self.substitution(a, *variable) {
                (true, _) => return true,
                (false, true) => return false,
                (false, false) => {}
            }
        }
        if let Type::Var(variable) = a {
            return self.substitution(b, *variable).0;
        }
        match (a, b) {
            (Type::Dyn, _) | (_, Type::Dyn) | (Type::Kind(_), Type::Kind(_)) => true,
            (Type::Null, other) | (other, Type::Null) => matches!(
                other,
                Type::Null | Type::Opaque(..) | Type::Struct(_) | Type::Duration | Type::Timestamp
            ),
            (Type::List(a), Type::List(b)) => self.internal_assignable(a, b),
            (Type::Map(a), Type::Map(b)) => {
                self.internal_assignable(&a.0, &b.0) && self.internal_assignable(&a.1, &b.1)
            }
            (Type::Opaque(a, first), Type::Opaque(b, second)) => {
                a == b
                    && first.len() == second.len()
                    && first.iter().zip(second).all(|(a, b)| self.internal_assignable(a, b))
            }
            (a, b) => a == b,
        }
    }

    /// Whether the variable may be that type, and whether it had one.
    fn substitution(&mut self, to: &Type, variable: usize) -> (bool, bool) {
        if *to == Type::Var(variable) {
            return (true, true);
        }
        if let Some(known) = self.find(variable).cloned() {
            if *to == known {
                return (true, true);
            }
            if self.internal_assignable(to, &known) {
                let general = most_general(to, &known).clone();
                if self.not_referenced(variable, &general) {
                    self.set(variable, general);
                }
                return (true, true);
            }
            return (false, true);
        }
        if self.not_referenced(variable, to) {
            self.set(variable, to.clone());
            return (true, false);
        }
        (false, false)
    }

    fn not_referenced(&self, variable: usize, within: &Type) -> bool {
        match within {
            Type::Var(other) if *other == variable => false,
            Type::Var(other) => self.find(*other).is_none_or(|known| self.not_referenced(variable, known)),
            other => other.parameters().into_iter().all(|inner| self.not_referenced(variable, inner)),
        }
    }
}

pub fn most_general<'t>(a: &'t Type, b: &'t Type) -> &'t Type {
    if equal_or_less_specific(a, b) { a } else { b }
}

fn equal_or_less_specific(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Dyn | Type::Var(_), _) | (Type::Kind(_), Type::Kind(_)) => true,
        (_, Type::Dyn | Type::Var(_)) => false,
        (Type::List(a), Type::List(b)) => equal_or_less_specific(a, b),
        (Type::Map(a), Type::Map(b)) => {
            equal_or_less_specific(&a.0, &b.0) && equal_or_less_specific(&a.1, &b.1)
        }
        (Type::Opaque(a, first), Type::Opaque(b, second)) => {
            a == b
                && first.len() == second.len()
                && first.iter().zip(second).all(|(a, b)| equal_or_less_specific(a, b))
        }
        (a, b) => a == b,
    }
}
