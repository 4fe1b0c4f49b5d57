use crate::facts::ManagedKind;
use std::collections::BTreeMap;

/// How far each watch has come, in resource versions.
#[derive(Debug, Default)]
pub struct Seen {
    objects: BTreeMap<ManagedKind, u64>,
    namespaces: u64,
}

impl Seen {
    pub fn object(&mut self, kind: ManagedKind, version: u64) {
        let seen = self.objects.entry(kind).or_default();
        *seen = version.max(*seen);
    }

    pub fn is_news(&self, kind: ManagedKind, version: u64) -> bool {
        self.objects.get(&kind).is_none_or(|seen| version > *seen)
    }

    pub fn namespace(&mut self, version: u64) {
        self.namespaces = version.max(self.namespaces);
    }

    pub fn namespace_is_news(&self, version: u64) -> bool {
        version > self.namespaces
    }
}
