use crate::effective::Effective;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use snc_core::names::{
    LABEL_ENVIRONMENT, LABEL_FLOOR_IMAGES, LABEL_FLOOR_ISOLATION, LABEL_FLOOR_LEVEL,
    LABEL_FLOOR_POD_SECURITY, LABEL_FLOOR_QUOTA, LABEL_FLOOR_WORKLOADS, LABEL_LEVEL, LABEL_SENSITIVITY,
    LABEL_TENANT, PSA_AUDIT, PSA_ENFORCE, PSA_WARN,
};
use snc_core::policy::Constraints;
use snc_core::tier::{Measure, Mode};
use std::collections::BTreeMap;

type Labels = BTreeMap<String, String>;

/// Labels of a governed namespace that are ours alone.
pub fn labels(effective: &Effective) -> Labels {
    let floors = &effective.floors;
    let mut labels: Labels = [
        (LABEL_TENANT, effective.tenant.clone()),
        (LABEL_FLOOR_LEVEL, floors.level().to_string()),
        (LABEL_FLOOR_ISOLATION, floors.isolation().to_string()),
        (LABEL_FLOOR_POD_SECURITY, floors.pod_security().to_string()),
        (LABEL_FLOOR_QUOTA, floors.quota_mode().to_string()),
        (LABEL_FLOOR_WORKLOADS, floors.workloads().to_string()),
        (LABEL_FLOOR_IMAGES, floors.images().to_string()),
        (LABEL_LEVEL, effective.constraints.level().to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    for measure in Measure::ALL {
        labels.insert(measure.label().to_owned(), effective.constraints.mode(*measure).to_string());
    }
    if let Some(environment) = effective.constraints.environment.value() {
        labels.insert(LABEL_ENVIRONMENT.into(), environment.as_str().to_owned());
    }
    if let Some(sensitivity) = effective.constraints.sensitivity.value() {
        labels.insert(LABEL_SENSITIVITY.into(), sensitivity.as_str().to_owned());
    }
    labels
}

/// Pod Security Admission at the standard that the level asks for, as hard as the mode says.
pub fn pod_security_labels(constraints: &Constraints) -> Labels {
    let standard = constraints.level().pod_security_standard();
    let keys: &[&str] = match constraints.pod_security() {
        Mode::Audit => &[PSA_AUDIT],
        Mode::Warn => &[PSA_AUDIT, PSA_WARN],
        Mode::Enforce => &[PSA_AUDIT, PSA_WARN, PSA_ENFORCE],
    };
    keys.iter().map(|key| ((*key).to_owned(), standard.to_owned())).collect()
}

/// A namespace that an `SncTenant` asks for carries its label from the first instant, so that the gate holds.
pub fn new_namespace(name: &str, tenant: &str) -> Namespace {
    Namespace {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some([(LABEL_TENANT.to_owned(), tenant.to_owned())].into()),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    }
}

#[cfg(test)]
mod tests {
    use snc_core::tier::{Environment, Sensitivity};

    /// What the API knows is what the controls accept, letter by letter.
    #[test]
    fn the_controls_read_what_the_operator_writes() {
        let accepted = |id: &str, name: &str| {
            let control = snc_catalogue::controls().iter().find(|one| one.id == id).unwrap();
            control.parameter(name).unwrap().default.clone()
        };
        let environments: Vec<&str> = Environment::ALL.iter().map(|one| one.as_str()).collect();
        assert_eq!(accepted("namespace-environment", "environments"), serde_json::json!(environments));
        let scale: Vec<&str> = Sensitivity::ALL.iter().map(|one| one.as_str()).collect();
        assert_eq!(accepted("namespace-sensitivity", "scale"), serde_json::json!(scale));
    }
}
