//! The objects of one namespace by short names: there may be a hundred thousand.

use snc_core::verdict::Subject;
use std::cmp::Ordering;

/// An object within its namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name {
    kind: u32,
    name: Box<str>,
}

/// Every kind that was met, by its version and its name.
#[derive(Default)]
pub(super) struct Kinds(Vec<Met>);

struct Met {
    api_version: String,
    kind: String,
    key: String,
}

impl Kinds {
    fn find(&self, subject: &Subject) -> Option<usize> {
        self.0.iter().position(|met| met.kind == subject.kind && met.api_version == subject.api_version)
    }

    /// None of an object of a kind that was not met.
    pub fn known(&self, subject: &Subject) -> Option<Name> {
        let kind = u32::try_from(self.find(subject)?).ok()?;
        Some(Name { kind, name: subject.name.as_str().into() })
    }

    pub fn name(&mut self, subject: &Subject) -> Name {
        let at = self.find(subject).unwrap_or_else(|| {
            let Subject { api_version, kind, .. } = subject;
            let (api_version, kind) = (api_version.clone(), kind.clone());
            self.0.push(Met { api_version, kind, key: subject.kind_key() });
            self.0.len() - 1
        });
        Name { kind: u32::try_from(at).unwrap_or(u32::MAX), name: subject.name.as_str().into() }
    }

    fn met(&self, name: &Name) -> Option<&Met> {
        self.0.get(usize::try_from(name.kind).ok()?)
    }

    /// `group/Kind`.
    pub fn key(&self, name: &Name) -> &str {
        self.met(name).map_or("", |met| &met.key)
    }

    /// What is in the place of that name, which is itself where it is the namespace.
    pub fn subject(&self, place: &str, name: &Name) -> Subject {
        let (api_version, kind) =
            self.met(name).map_or(("", ""), |met| (met.api_version.as_str(), met.kind.as_str()));
        let mut subject = Subject::new(api_version, kind, place, &name.name);
        if kind == "Namespace" && api_version == "v1" {
            subject.namespace.clear();
        }
        subject
    }

    /// As the subjects are ordered.
    pub fn order(&self, a: &Name, b: &Name) -> Ordering {
        let of = |name: &Name| self.met(name).map(|met| (met.api_version.as_str(), met.kind.as_str()));
        of(a).cmp(&of(b)).then_with(|| a.name.cmp(&b.name))
    }

    /// From the first name of each version of a kind to where the next kind begins.
    pub fn ranges(&self, key: &str) -> Vec<std::ops::Range<Name>> {
        let first = |kind: usize| Name { kind: u32::try_from(kind).unwrap_or(u32::MAX), name: "".into() };
        let of_kind = self.0.iter().enumerate().filter(|(_, met)| met.key == key);
        of_kind.map(|(at, _)| first(at)..first(at + 1)).collect()
    }
}
