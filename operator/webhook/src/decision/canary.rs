//! The canary tenant before the webhook: what it tries is refused for what it is, and what is harmless passes.

use super::{Known, Whose, decide, standing::whose};
use crate::across::Others;
use crate::review;
use serde_json::{Value, json};
use snc_catalogue::{Admission, Catalogue};
use snc_core::lang::Lang;
use snc_core::reserved::Reserved;
use snc_core::waiver::Waivers;
use snc_index::{Hosts, Images, Index};
use snc_network::audit::Addresses;
use snc_plan::Settings;
use snc_plan::canary::{Expected, Verb, attempts};
use snc_plan::guards::Identity;

#[test]
fn what_is_harmless_passes_and_what_only_the_webhook_refuses_is_refused() {
    let identity = Identity::new("snc-system", "snc-controller");
    let settings = Settings { lang: Lang::En, identity, canary_namespace: "snc-canary".to_owned() };
    let (index, hosts, addresses) = (Index::default(), Hosts::default(), Addresses::default());
    let (reserved, images) = (Reserved::default(), Images::default());
    let admission = Admission::new(Catalogue::on_demand().unwrap()).unwrap();
    let (mut passed, mut refused) = (0, 0);
    for attempt in attempts(&settings, true).iter().filter(|attempt| attempt.verb == Verb::Create) {
        let mut object = attempt.body.clone();
        object["metadata"]["namespace"] = json!(settings.tenant_canary());
        let kind = &object["kind"];
        let api_version = object["apiVersion"].as_str().unwrap();
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let review = json!({"apiVersion": review::API_VERSION, "kind": "AdmissionReview", "request": {
            "uid": "u", "kind": {"group": group, "version": version, "kind": kind}, "operation": "CREATE",
            "namespace": settings.tenant_canary(), "name": "snc-canary-new",
            "userInfo": {"username": "canary"}, "object": object, "oldObject": Value::Null,
        }});
        let whose = whose(&index, &settings, &settings.tenant_canary());
        assert!(matches!(whose, Whose::Tenant(_)));
        let known = Known {
            admission: &admission,
            lang: Lang::En,
            whose,
            strict: true,
            waivers: &Waivers::default(),
            bypass_group: None,
            others: Ok(Others {
                index: &index,
                hosts: &hosts,
                addresses: &addresses,
                reserved: &reserved,
                images: Some(&images),
                signatures: None,
                home: "snc-system",
                now: "2026-11-22T12:00:00Z".parse().unwrap(),
            }),
        };
        let decision = decide(review::read(review.to_string().as_bytes()).unwrap(), &known);
        let said = decision.answer.refusal.map(|refusal| refusal.message);
        match &attempt.expected {
            Expected::Accepted => {
                assert_eq!(said, None, "{}", attempt.id);
                passed += 1;
            }
            Expected::RefusedByWebhook(control) => {
                assert!(said.as_ref().is_some_and(|said| said.contains(control)), "{}: {said:?}", attempt.id);
                refused += 1;
            }
            Expected::RefusedBy(_) => {}
        }
    }
    assert!(passed > 8 && refused == 2, "{passed}, {refused}");
}
