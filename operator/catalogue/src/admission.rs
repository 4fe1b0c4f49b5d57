//! What is asked of one object as it is written.

use crate::catalogue::{Broken, Catalogue, Entry};
use crate::evaluate::{Object, pods::Templates, weigh};
use crate::profile::{Profile, Profiles};
use snc_core::control::{Control, Scope};
use snc_core::verdict::{Outcome, Subject};
use std::sync::Arc;

/// The rules on one object that a tenant's objects are judged by before they are stored.
pub struct Admission(Catalogue);

impl Admission {
    /// Compiles whatever may be asked, so that no request waits for it.
    pub fn new(catalogue: Catalogue) -> Result<Self, Broken> {
        // One of the platform's own that does not compile says so of every object.
        catalogue.complete(|entry| asks(entry) && !entry.custom)?;
        let custom = catalogue.entries.iter().filter(|entry| asks(entry) && entry.custom);
        custom.filter_map(Entry::rule).filter_map(Result::ok).for_each(|rule| drop(rule.complete()));
        Ok(Self(catalogue))
    }

    /// Those that may refuse something.
    pub fn controls(&self) -> impl Iterator<Item = &Control> {
        self.0.entries.iter().filter(|entry| asks(entry)).map(|entry| &entry.control)
    }

    /// Whether a control is a cluster's own.
    pub fn is_custom(&self, control: &Control) -> bool {
        self.0.entries.iter().any(|entry| entry.custom && entry.control.id == control.id)
    }

    /// What each control of this level and below says of an object that belongs to a tenant.
    pub fn judge(&self, profile: &Profile, object: &Object) -> Vec<(&Control, Arc<Outcome>)> {
        let weighed = weigh(&self.0, &Tenants(profile), &Templates::default(), object);
        let all = weighed.all().filter_map(|(index, outcome)| Some((self.0.entries.get(*index)?, outcome)));
        all.filter(|(entry, _)| asks(entry)).map(|(entry, said)| (&entry.control, said.clone())).collect()
    }
}

fn asks(entry: &Entry) -> bool {
    entry.control.is_asked_of_tenants()
}

struct Tenants<'p>(&'p Profile);

impl Profiles for Tenants<'_> {
    fn of(&self, _: &Subject, scope: Scope) -> Option<&Profile> {
        (scope != Scope::Platform).then_some(self.0)
    }

    fn cluster(&self) -> &Profile {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use snc_core::tier::Level;
    use snc_core::verdict::Verdict;

    #[test]
    fn a_pod_is_asked_what_is_a_tenants_business_at_its_level() {
        let admission = Admission::new(Catalogue::on_demand().unwrap()).unwrap();
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"},
            "spec": {"hostPID": true, "containers": [{"name": "c", "image": "a"}]}});
        let object = Object::new(pod).unwrap();
        let failed = |level| -> Vec<String> {
            let said = admission.judge(&Profile::new(level), &object);
            assert!(said.iter().all(|(control, _)| control.applies_at(level)));
            assert!(
                said.iter().all(|(control, _)| control.scope != Scope::Platform && control.is_admission())
            );
            said.iter().filter(|(_, o)| o.verdict == Verdict::Fail).map(|(c, _)| c.id.clone()).collect()
        };
        assert!(failed(Level::Essentiel).contains(&"pod-host-pid".to_owned()));
        assert!(failed(Level::Avance).len() > failed(Level::Essentiel).len());
    }

    #[test]
    fn every_kind_of_pod_holder_is_asked() {
        let kinds = Catalogue::on_demand().unwrap().admission_kinds();
        for kind in crate::POD_KINDS {
            assert!(kinds.contains(*kind), "{kind}");
        }
        assert!(!kinds.contains("pods") && kinds.contains("core/Service"));
    }
}
