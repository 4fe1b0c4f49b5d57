//! What `k8s.io/apiserver/pkg/audit/policy` v0.36.3 itself said of random policies and requests.

use super::*;
use crate::event::Stage;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    policy: Value,
    error: bool,
    attributes: Option<Vec<Said>>,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Said {
    user: Option<String>,
    groups: Vec<String>,
    verb: String,
    group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
    path: String,
    level: String,
    omit: Vec<String>,
    managed: bool,
}

#[test]
fn a_policy_means_what_the_api_server_says_it_means() {
    let (mut decided, mut refused) = (0, 0);
    for line in include_str!("../upstream.jsonl").lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let parsed = parse(&case.policy.to_string());
        assert_eq!(parsed.is_err(), case.error, "{} {parsed:?}", case.policy);
        refused += usize::from(case.error);
        let Ok(Parsed { policy, ignored }) = parsed else { continue };
        assert_eq!(ignored, []);
        for said in case.attributes.unwrap() {
            let target = if said.resource.is_empty() {
                Target::Path(&said.path)
            } else {
                let Said { group, resource, subresource, namespace, name, .. } = &said;
                Target::Resource { group, resource, subresource, namespace, name }
            };
            let groups = said.groups.iter().map(String::as_str).collect();
            let attributes = Attributes { user: said.user.as_deref(), groups, verb: &said.verb, target };
            let decision = decide(&policy, &attributes);
            assert_eq!(decision.level.as_str(), said.level, "{attributes:?} {}", case.policy);
            assert_eq!(decision.omit_managed_fields, said.managed, "{attributes:?} {}", case.policy);
            for stage in Stage::ALL {
                let recorded =
                    said.level != "None" && !said.omit.iter().any(|omitted| omitted == stage.as_str());
                assert_eq!(decision.records(*stage), recorded, "{stage} {attributes:?} {}", case.policy);
            }
            decided += 1;
        }
    }
    assert!(decided > 400 && refused > 10, "{decided} {refused}");
}
