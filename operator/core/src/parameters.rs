//! Parameters of controls that the platform tailored, joined by the direction in which each is stronger.

use crate::control::Stronger;
use crate::lattice::{Join, Source, Sources};
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The one entry of a list that nothing is on. An empty list is another thing: some controls take it for "none was
/// declared" and do not apply.
pub const NOTHING: &str = "∅";

/// A value, of the type of the parameter's default.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    Flag(bool),
    Integer(i64),
    List(BTreeSet<String>),
}

impl Setting {
    /// None where it is of no type that a parameter has.
    pub fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(Self::Flag(*flag)),
            Value::Number(number) => number.as_i64().map(Self::Integer),
            Value::Array(list) => {
                let texts = list.iter().map(|item| item.as_str().map(ToOwned::to_owned));
                texts.collect::<Option<_>>().map(Self::List)
            }
            _ => None,
        }
    }

    pub fn to_json(&self) -> Value {
        match self {
            Self::Flag(flag) => (*flag).into(),
            Self::Integer(integer) => (*integer).into(),
            Self::List(list) => list.iter().map(String::as_str).collect(),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Integer(integer) => write!(f, "{integer}"),
            Self::List(list) => f.write_str(&list.iter().map(String::as_str).collect::<Vec<_>>().join(",")),
        }
    }
}

/// One parameter of one control.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParameterKey {
    pub control: String,
    pub name: String,
}

impl fmt::Display for ParameterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.control, self.name)
    }
}

/// What was asked for one parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tailored {
    stronger: Stronger,
    value: Setting,
    sources: Sources,
    /// Whether nobody listed nothing, and whether everybody did.
    all_non_empty: bool,
    all_empty: bool,
}

impl Tailored {
    pub fn new(stronger: Stronger, value: Setting, source: &Source) -> Self {
        let is_empty = matches!(&value, Setting::List(list) if list.is_empty());
        Self {
            stronger,
            value,
            sources: Sources::from([source.clone()]),
            all_non_empty: !is_empty,
            all_empty: is_empty,
        }
    }

    /// The value in force. Lists that have nothing in common accept nothing.
    pub fn value(&self) -> Setting {
        match &self.value {
            Setting::List(list) if list.is_empty() && !self.all_empty => {
                Setting::List([NOTHING.to_owned()].into())
            }
            value => value.clone(),
        }
    }

    pub const fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Non-empty lists that have nothing in common.
    pub fn conflict(&self) -> Option<&Sources> {
        let is_empty = matches!(&self.value, Setting::List(list) if list.is_empty());
        (is_empty && self.all_non_empty).then_some(&self.sources)
    }

    /// Two kinds of one parameter are the mistake of whoever reads them. Either order gives the same, all the same.
    fn kind(&self) -> (Stronger, u8) {
        let type_ = match self.value {
            Setting::Flag(_) => 0,
            Setting::Integer(_) => 1,
            Setting::List(_) => 2,
        };
        (self.stronger, type_)
    }

    fn join(self, other: Self) -> Self {
        match self.kind().cmp(&other.kind()) {
            Ordering::Greater => return self,
            Ordering::Less => return other,
            Ordering::Equal => {}
        }
        let keeps_less = matches!(self.stronger, Stronger::Fewer | Stronger::Lower | Stronger::False);
        let (all_non_empty, all_empty) =
            (self.all_non_empty && other.all_non_empty, self.all_empty && other.all_empty);
        let mut sources = self.sources;
        let value = match (self.value, other.value) {
            (Setting::List(a), Setting::List(b)) => {
                sources.extend(other.sources);
                let joined = if keeps_less { &a & &b } else { &a | &b };
                Setting::List(joined)
            }
            (a, b) => match if keeps_less { b.cmp(&a) } else { a.cmp(&b) } {
                Ordering::Greater => a,
                Ordering::Less => {
                    sources = other.sources;
                    b
                }
                Ordering::Equal => {
                    sources.extend(other.sources);
                    a
                }
            },
        };
        Self { stronger: self.stronger, value, sources, all_non_empty, all_empty }
    }
}

/// What was asked for, by parameter. What nobody asked for is the control's default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters(BTreeMap<ParameterKey, Tailored>);

impl Parameters {
    pub fn of(tailored: impl IntoIterator<Item = (ParameterKey, Tailored)>) -> Self {
        tailored.into_iter().map(|(key, one)| Self([(key, one)].into())).fold(Self::default(), Join::join)
    }

    pub fn get(&self, control: &str, name: &str) -> Option<&Tailored> {
        self.0.get(&ParameterKey { control: control.to_owned(), name: name.to_owned() })
    }

    pub fn iter(&self) -> impl Iterator<Item = (&ParameterKey, &Tailored)> {
        self.0.iter()
    }
}

impl Join for Parameters {
    fn join(mut self, other: Self) -> Self {
        for (key, theirs) in other.0 {
            let joined = match self.0.remove(&key) {
                Some(ours) => ours.join(theirs),
                None => theirs,
            };
            self.0.insert(key, joined);
        }
        self
    }
}
