//! Which level and which parameters objects are judged by.

use serde_json::{Map, Value};
use snc_core::control::{Control, Scope};
use snc_core::tier::Level;
use snc_core::verdict::Subject;
use std::collections::{BTreeMap, BTreeSet};

/// A level, and parameters that were tailored: by control, then by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    pub level: Level,
    pub parameters: BTreeMap<String, Map<String, Value>>,
}

impl Profile {
    pub fn new(level: Level) -> Self {
        Self { level, parameters: BTreeMap::new() }
    }

    /// Every parameter of a control with the value in force.
    pub fn values(&self, control: &Control) -> Map<String, Value> {
        let tailored = self.parameters.get(&control.id);
        control
            .parameters
            .iter()
            .map(|parameter| {
                let value = tailored.and_then(|t| t.get(&parameter.name)).unwrap_or(&parameter.default);
                (parameter.name.clone(), value.clone())
            })
            .collect()
    }
}

/// Which profile holds for an object; none where controls of that scope do not judge it.
pub trait Profiles: Sync {
    fn of(&self, subject: &Subject, scope: Scope) -> Option<&Profile>;

    /// The one that controls on several objects take their parameters from.
    fn cluster(&self) -> &Profile;
}

/// One profile for everything, as for files.
pub struct Uniform(pub Profile);

impl Profiles for Uniform {
    fn of(&self, _: &Subject, _: Scope) -> Option<&Profile> {
        Some(&self.0)
    }

    fn cluster(&self) -> &Profile {
        &self.0
    }
}

/// A cluster: the namespaces that are the platform's own, and all the others.
pub struct Zones {
    profile: Profile,
    platform: BTreeSet<String>,
}

impl Zones {
    pub fn new<'a>(profile: Profile, platform: impl IntoIterator<Item = &'a str>) -> Self {
        Self { profile, platform: platform.into_iter().map(str::to_owned).collect() }
    }
}

impl Profiles for Zones {
    fn of(&self, subject: &Subject, scope: Scope) -> Option<&Profile> {
        reaches(scope, place(subject), &self.platform).then_some(&self.profile)
    }

    fn cluster(&self) -> &Profile {
        &self.profile
    }
}

/// The namespace that an object is in, or is; empty where it has none.
pub(crate) fn place(subject: &Subject) -> &str {
    // Others may have a kind of that name.
    if subject.api_version == "v1" && subject.kind == "Namespace" {
        &subject.name
    } else {
        &subject.namespace
    }
}

/// Whether controls of a scope judge what is there.
pub(crate) fn reaches(scope: Scope, place: &str, platform: &BTreeSet<String>) -> bool {
    match scope {
        Scope::Any => true,
        Scope::Tenant => !platform.contains(place),
        Scope::Platform => place.is_empty() || platform.contains(place),
    }
}

/// The parameters of one control.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a>(&'a Map<String, Value>);

impl<'a> Settings<'a> {
    pub fn new(values: &'a Map<String, Value>) -> Self {
        Self(values)
    }

    /// A list of texts; empty where it is anything else.
    pub fn strings(&self, name: &str) -> Vec<&'a str> {
        let list = self.0.get(name).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub fn integer(&self, name: &str) -> i64 {
        self.0.get(name).and_then(Value::as_i64).unwrap_or_default()
    }

    pub fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    pub fn text(&self, name: &str) -> &'a str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}
