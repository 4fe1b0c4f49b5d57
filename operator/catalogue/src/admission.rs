//! What is asked of one object as it is written.

use crate::catalogue::{Broken, Catalogue, Entry};
use crate::evaluate::pods::{TemplateKey, Templates};
use crate::evaluate::{Object, weigh};
use crate::profile::{Profile, Profiles};
use snc_core::control::{Control, Scope};
use snc_core::lang::Lang;
use snc_core::verdict::{Outcome, Subject, Verdict};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// The rules on one object that a tenant's objects are judged by before they are stored.
pub struct Admission {
    catalogue: Catalogue,
    judged: Mutex<VecDeque<Arc<Judged>>>,
}

/// What was said of pod templates: pods come by the hundred of each, and what is refused comes again and again.
struct Judged {
    profile: Profile,
    templates: Templates,
    /// Those of them that something is wrong with, the oldest first. What is said of one is as long as whoever writes it
    /// likes, so they are few, and none is long.
    failed: Mutex<VecDeque<TemplateKey>>,
}

/// Profiles differ by level and by what a tenant tightens.
const PROFILES: usize = 16;
const TEMPLATES: usize = 1024;
const FAILED: usize = 64;
/// Of messages and paths, for one template that fails.
const LONGEST: usize = 16 * 1024;

impl Admission {
    /// Compiles whatever may be asked, so that no request waits for it.
    pub fn new(catalogue: Catalogue) -> Result<Self, Broken> {
        // One of the platform's own that does not compile says so of every object.
        catalogue.complete(|entry| asks(entry) && !entry.custom)?;
        let custom = catalogue.entries.iter().filter(|entry| asks(entry) && entry.custom);
        custom.filter_map(Entry::rule).filter_map(Result::ok).for_each(|rule| drop(rule.complete()));
        Ok(Self { catalogue, judged: Mutex::default() })
    }

    /// Those that may refuse something.
    pub fn controls(&self) -> impl Iterator<Item = &Control> {
        self.catalogue.entries.iter().filter(|entry| asks(entry)).map(|entry| &entry.control)
    }

    /// Whether a control is a cluster's own.
    pub fn is_custom(&self, control: &Control) -> bool {
        self.catalogue.entries.iter().any(|entry| entry.custom && entry.control.id == control.id)
    }

    /// What each control of this level and below says of an object that belongs to a tenant.
    pub fn judge(&self, profile: &Profile, object: &Object) -> Vec<(&Control, Arc<Outcome>)> {
        let held = self.judged(profile);
        let profiles = Tenants(&held.profile);
        let weighed = weigh(&self.catalogue, &profiles, &held.templates, object);
        let failed = || {
            let outcomes = weighed.of_template().iter().map(|(_, outcome)| outcome.as_ref());
            outcomes.filter(|outcome| outcome.verdict >= Verdict::Exempt)
        };
        if failed().next().is_some()
            && let Some(key) = held.templates.key_of(&profiles, object)
        {
            held.remember(key, failed().map(length).sum());
        }
        let entries = &self.catalogue.entries;
        let all = weighed.all().filter_map(|(index, outcome)| Some((entries.get(*index)?, outcome)));
        all.filter(|(entry, _)| asks(entry)).map(|(entry, said)| (&entry.control, said.clone())).collect()
    }
}

impl Admission {
    /// For this profile; the one that was asked for first goes where there are too many.
    fn judged(&self, profile: &Profile) -> Arc<Judged> {
        let mut all = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        let at = all.iter().position(|held| held.profile == *profile);
        let held = at.and_then(|at| all.get(at));
        if let Some(held) = held.filter(|held| held.templates.len() < TEMPLATES) {
            return held.clone();
        }
        if let Some(full) = at {
            all.remove(full);
        } else if all.len() >= PROFILES {
            all.pop_front();
        }
        let fresh = Arc::new(Judged {
            profile: profile.clone(),
            templates: Templates::default(),
            failed: Mutex::default(),
        });
        all.push_back(fresh.clone());
        fresh
    }
}

impl Judged {
    fn remember(&self, key: TemplateKey, length: usize) {
        if length > LONGEST {
            return self.templates.forget(key);
        }
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.contains(&key) {
            return;
        }
        failed.push_back(key);
        if failed.len() > FAILED
            && let Some(oldest) = failed.pop_front()
        {
            self.templates.forget(oldest);
        }
    }
}

fn length(outcome: &Outcome) -> usize {
    let Outcome { message, paths, .. } = outcome;
    let texts = message.get(Lang::Fr).len() + message.get(Lang::En).len();
    texts + paths.iter().map(String::len).sum::<usize>()
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

    /// By level, by parameters and by content.
    #[test]
    fn a_template_that_was_judged_is_not_taken_for_another() {
        let admission = Admission::new(Catalogue::on_demand().unwrap()).unwrap();
        let unremembered = |profile: &Profile, object: &Object| -> Vec<Arc<Outcome>> {
            let weighed = weigh(&admission.catalogue, &Tenants(profile), &Templates::default(), object);
            let asked = weighed.all().filter(|(index, _)| asks(&admission.catalogue.entries[*index]));
            asked.map(|(_, outcome)| outcome.clone()).collect()
        };
        let held = || admission.judged.lock().unwrap().iter().map(|held| held.templates.len()).sum::<usize>();
        let pod = |name: &str, image: &str, privileged: bool| {
            let digest = "0".repeat(64);
            Object::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"},
                "spec": {"automountServiceAccountToken": false, "serviceAccountName": "web", "hostUsers": false,
                    "securityContext": {"runAsNonRoot": true, "runAsUser": 10001,
                        "seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [{"name": "c", "image": format!("{image}@sha256:{digest}"),
                        "imagePullPolicy": "Always", "readinessProbe": {"tcpSocket": {"port": 80}},
                        "resources": {"requests": {"cpu": "1m", "memory": "1Mi", "ephemeral-storage": "1Mi"},
                            "limits": {"cpu": "1m", "memory": "1Mi", "ephemeral-storage": "1Mi"}},
                        "securityContext": {"privileged": privileged, "allowPrivilegeEscalation": false,
                            "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}}}]}}))
            .unwrap()
        };
        let mut here = Profile::new(Level::Avance);
        let registries = json!({"registries": ["ici.invalid"]}).as_object().cloned().unwrap();
        here.parameters.insert("image-registry".to_owned(), registries);
        let mut elsewhere = here.clone();
        let registries = json!({"registries": ["autre.invalid"]}).as_object().cloned().unwrap();
        elsewhere.parameters.insert("image-registry".to_owned(), registries);
        let low = Profile::new(Level::Essentiel);
        for _ in 0..3 {
            for profile in [&here, &elsewhere, &low] {
                for (name, image, privileged) in [
                    ("a", "ici.invalid/x", false),
                    ("b", "ici.invalid/x", false),
                    ("c", "ici.invalid/x", true),
                ] {
                    let object = pod(name, image, privileged);
                    let said = admission.judge(profile, &object).into_iter().map(|(_, outcome)| outcome);
                    assert_eq!(said.collect::<Vec<_>>(), unremembered(profile, &object), "{name}");
                }
            }
        }
        let failed = |profile| {
            let said = admission.judge(profile, &pod("a", "ici.invalid/x", false));
            said.iter()
                .filter(|(_, o)| o.verdict >= Verdict::Exempt)
                .map(|(c, _)| c.id.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(failed(&here), Vec::<&str>::new());
        assert_eq!(failed(&elsewhere), ["image-registry"]);
        assert_eq!(held(), 6, "two templates under three profiles");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let admission = Admission::new(Catalogue::on_demand().unwrap()).unwrap();
        for at in 0..PROFILES * 2 {
            let mut profile = Profile::new(Level::Essentiel);
            profile.parameters.insert(format!("c{at}"), serde_json::Map::new());
            admission.judged(&profile);
            let again = admission.judged(&profile);
            assert_eq!(again.profile, profile);
        }
        assert_eq!(admission.judged.lock().unwrap().len(), PROFILES);
    }

    #[test]
    fn what_is_kept_of_what_fails_is_short_and_little() {
        let admission = Admission::new(Catalogue::on_demand().unwrap()).unwrap();
        let profile = Profile::new(Level::Avance);
        let pod = |label: String, containers: usize| {
            let containers: Vec<_> =
                (0..containers).map(|at| json!({"name": format!("c{at}"), "image": "a"})).collect();
            Object::new(json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": "p", "namespace": "shop", "labels": {"app": label}},
                "spec": {"containers": containers}}))
            .unwrap()
        };
        let failures = |object: &Object| {
            let said = admission.judge(&profile, object);
            said.iter().filter(|(_, outcome)| outcome.verdict == Verdict::Fail).count()
        };
        let held = admission.judged(&profile);
        let long = pod("long".to_owned(), 500);
        assert_eq!(failures(&long), failures(&long));
        assert!(failures(&long) > 5);
        assert_eq!(held.templates.len(), 0, "too long to be kept");
        for round in 0..2 {
            for at in 0..FAILED * 2 {
                assert!(failures(&pod(at.to_string(), 1)) > 5, "round {round}");
            }
            assert_eq!((held.templates.len(), held.failed.lock().unwrap().len()), (FAILED, FAILED));
        }
        let newest = pod((FAILED * 2 - 1).to_string(), 1);
        let key = held.templates.key_of(&Tenants(&held.profile), &newest);
        assert!(held.failed.lock().unwrap().iter().any(|known| Some(*known) == key), "the oldest go first");
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
