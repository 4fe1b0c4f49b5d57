use super::BaselineStatus;
use super::build::Facts;
use super::conditions::Reading;
use super::problems::{problems, unreadable};
use crate::model::Selection;
use kube::core::{Selector, SelectorExt};
use snc_api::v1alpha1::SncBaseline;
use snc_core::condition::kind;
use snc_index::Declared;

/// Those that concern the selected tenants; of one namespace, its policies say what matters.
pub fn baselines(facts: &Facts, selection: &Selection) -> Vec<BaselineStatus> {
    if matches!(selection, Selection::Namespace(_)) {
        return Vec::new();
    }
    let labels = match selection {
        Selection::Tenant(wanted) => {
            let tenant = facts.tenants.iter().flatten().find(|(name, _)| name == wanted);
            tenant.and_then(|(_, t)| t.as_ref().ok()).map(|t| t.metadata.labels.clone().unwrap_or_default())
        }
        _ => None,
    };
    let concerns = |baseline: &SncBaseline| {
        labels.as_ref().is_none_or(|labels| {
            let selector = Selector::try_from(baseline.spec.tenant_selector.clone().unwrap_or_default());
            selector.is_ok_and(|s| s.matches(labels))
        })
    };
    let view = |(name, baseline): &(String, Declared<SncBaseline>)| {
        let subject = format!("SncBaseline/{name}");
        match baseline {
            Ok(baseline) if !concerns(baseline) => None,
            Ok(baseline) => {
                let status = baseline.status.as_ref();
                let reading = Reading {
                    lang: facts.lang,
                    generation: baseline.metadata.generation,
                    observed: status.and_then(|s| s.observed_generation),
                    conditions: status.map(|s| s.conditions.as_slice()).unwrap_or_default(),
                    present: status.is_some(),
                };
                let conditions = reading.views(&[kind::CONSISTENT]);
                Some(BaselineStatus {
                    name: name.clone(),
                    problems: problems(&subject, &conditions),
                    conditions,
                })
            }
            Err(error) => {
                let problems = vec![unreadable(facts.lang, &subject, &error.error)];
                Some(BaselineStatus { name: name.clone(), conditions: vec![], problems })
            }
        }
    };
    facts.baselines.iter().flatten().filter_map(view).collect()
}
