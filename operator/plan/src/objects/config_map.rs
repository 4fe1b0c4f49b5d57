use super::{Desired, meta};
use k8s_openapi::api::core::v1::ConfigMap;
use snc_core::names::{RECORD, RECORD_KEY};
use snc_index::Record;

/// Well under the API server's limit of 1 MiB for a ConfigMap.
const MAX_BYTES: usize = 768 * 1024;
/// Of the policies left out this many are named, the others counted.
const NAMED: usize = 64;

/// In a record, of a reason that did not fit; no shorter than a reason must be.
const UNKNOWN_RATIONALE: &str = "(…)";

/// The record of a namespace. Policies that do not fit are left out by name, largest first.
pub fn record(namespace: &str, mut record: Record) -> Desired {
    let mut text = serde_json::to_string(&record).unwrap_or_default();
    if text.len() > MAX_BYTES {
        let size = |spec: &_| serde_json::to_string(spec).map_or(0, |json| json.len());
        let mut by_size: Vec<_> =
            record.policies.iter().map(|(name, spec)| (size(spec), name.clone())).collect();
        by_size.sort();
        // Each is measured once: a namespace can hold very many.
        let mut bytes = text.len() + NAMED * 256;
        while bytes > MAX_BYTES
            && let Some((size, name)) = by_size.pop()
        {
            record.policies.remove(&name);
            bytes -= size + name.len();
            record.left_out.push(name);
        }
        let total = record.left_out.len();
        if total > NAMED {
            record.left_out.truncate(NAMED);
            record.left_out.push(format!("… ({total})"));
        }
        text = serde_json::to_string(&record).unwrap_or_default();
    }
    if text.len() > MAX_BYTES {
        // The values stay, the reasons for them can be read where they were given.
        for parameter in record.baselines.values_mut().flat_map(|spec| &mut spec.parameters) {
            UNKNOWN_RATIONALE.clone_into(&mut parameter.rationale);
        }
        text = serde_json::to_string(&record).unwrap_or_default();
    }
    Desired::ConfigMap(Box::new(ConfigMap {
        metadata: meta(namespace, RECORD, "record"),
        data: Some([(RECORD_KEY.to_owned(), text)].into()),
        ..ConfigMap::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use snc_api::v1alpha1::SncPolicySpec;

    #[test]
    fn what_does_not_fit_is_named() {
        let flow = |i: usize| {
            serde_json::json!({
                "name": format!("f{i}"), "justification": "x".repeat(500), "direction": "Egress",
                "peers": [{"pods": {}}], "ports": [{"port": 80}],
            })
        };
        let spec: SncPolicySpec = serde_json::from_value(
            serde_json::json!({"network": {"flows": (0..500).map(flow).collect::<Vec<_>>()}}),
        )
        .unwrap();
        let policies = ["a", "b", "c", "d"].map(|n| (n.to_owned(), spec.clone())).into();
        let Desired::ConfigMap(map) = record("n", Record { policies, ..Record::default() }) else {
            panic!("kind")
        };
        let kept = Record::read(&map).unwrap();
        assert!(map.data.unwrap()[RECORD_KEY].len() <= MAX_BYTES);
        assert!(!kept.left_out.is_empty());
        assert_eq!(kept.policies.len() + kept.left_out.len(), 4);
    }
}
