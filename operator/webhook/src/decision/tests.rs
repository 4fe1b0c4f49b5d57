use super::*;
use crate::review;
use rstest::rstest;
use serde_json::json;
use snc_catalogue::{Catalogue, Profile};
use snc_core::image::Signatures;
use snc_core::lattice::{Most, Source};
use snc_core::policy::Constraints;
use snc_core::reserved::Reserved;
use snc_core::snapshot::Fact;
use snc_core::tier::Level;
use snc_core::verdict::Subject;
use snc_index::{Hosts, Images, Index};
use snc_network::audit::Addresses;
use std::sync::LazyLock;

static ADMISSION: LazyLock<Admission> =
    LazyLock::new(|| Admission::new(Catalogue::on_demand().unwrap()).unwrap());

pub(super) fn standing(level: Level, modes: [Mode; 4]) -> Whose {
    let source = Source::Product;
    let most = |mode| Most::of(Some(mode), &source);
    let constraints = Constraints {
        isolation: most(modes[0]),
        pod_security: most(modes[1]),
        workloads: most(modes[2]),
        images: most(modes[3]),
        ..Constraints::default()
    };
    let mut profile = Profile::new(level);
    let declared = json!({"registries": ["registry.example"]});
    profile.parameters.insert("image-registry".to_owned(), declared.as_object().unwrap().clone());
    Whose::Tenant(Arc::new(Standing::new("shop", profile, &constraints)))
}

pub(super) fn all(mode: Mode) -> Whose {
    standing(Level::Standard, [mode; 4])
}

pub(super) struct Asked {
    pub(super) whose: Whose,
    pub(super) strict: bool,
    pub(super) waivers: Waivers,
    pub(super) known: bool,
    pub(super) lang: Lang,
    pub(super) bypass: Option<&'static str>,
    pub(super) signatures: Option<Signatures>,
}

impl Default for Asked {
    fn default() -> Self {
        let waivers = Waivers::default();
        Self {
            whose: all(Mode::Enforce),
            strict: true,
            waivers,
            known: true,
            lang: Lang::En,
            bypass: None,
            signatures: None,
        }
    }
}

impl Asked {
    fn mode(mode: Mode) -> Self {
        Self { whose: all(mode), strict: mode == Mode::Enforce, ..Self::default() }
    }

    pub(super) fn ask(&self, request: Value) -> Decision {
        let (index, hosts, addresses) = (Index::default(), Hosts::default(), Addresses::default());
        let (reserved, images) = (Reserved::default(), scanned());
        let others = Others {
            index: &index,
            hosts: &hosts,
            addresses: &addresses,
            reserved: &reserved,
            images: Some(&images),
            signatures: self.signatures.as_ref(),
            home: "snc-system",
            now: "2026-11-22T12:00:00Z".parse().unwrap(),
        };
        let known = Known {
            admission: &ADMISSION,
            lang: self.lang,
            whose: self.whose.clone(),
            strict: self.strict,
            waivers: &self.waivers,
            bypass_group: self.bypass,
            others: if self.known { Ok(others) } else { Err(Text::new("trop ancien", "too old")) },
        };
        let review =
            json!({"apiVersion": review::API_VERSION, "kind": "AdmissionReview", "request": request});
        decide(review::read(review.to_string().as_bytes()).unwrap(), &known)
    }
}

pub(super) const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// The platform scanned the image of `good` this morning and found nothing.
fn scanned() -> Images {
    let mut images = Images::default();
    let subject = Subject::new("secnumcloud.dev/v1alpha1", "SncImageScan", "snc-system", "web");
    let scan = json!({"spec": {"image": "registry.example/web", "digests": {"manifests": [DIGEST]},
        "scanner": {"name": "trivy", "version": "0.66.0"}, "nature": "scan", "format": "trivy",
        "database": {"updatedAt": "2026-11-22T05:00:00Z"}, "scannedAt": "2026-11-22T06:00:00Z",
        "counts": {}, "vulnerabilities": []}});
    images.apply(&subject, Fact::of(&subject, &scan));
    images
}

pub(super) fn request(operation: &str, object: Value, old: Value) -> Value {
    let named = if object.is_null() { &old } else { &object };
    let (group, version) = match named["apiVersion"].as_str().unwrap_or("v1").split_once('/') {
        Some((group, version)) => (group.to_owned(), version.to_owned()),
        None => (String::new(), "v1".to_owned()),
    };
    json!({"uid": "u", "kind": {"group": group, "version": version, "kind": named["kind"]},
        "namespace": "shop", "name": "web", "operation": operation, "userInfo": {"username": "alice"},
        "object": object, "oldObject": old})
}

pub(super) fn create(object: Value) -> Value {
    request("CREATE", object, Value::Null)
}

/// As every control would have it.
pub(super) fn good() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {
            "automountServiceAccountToken": false, "serviceAccountName": "web", "hostUsers": false,
            "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "web", "imagePullPolicy": "Always",
                "image": "registry.example/web@sha256:0000000000000000000000000000000000000000000000000000000000000000",
                "resources": {"requests": {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"},
                    "limits": {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"}},
                "readinessProbe": {"tcpSocket": {"port": 80}},
                "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                    "capabilities": {"drop": ["ALL"]}}}]}})
}

pub(super) fn with(mut object: Value, pointer: &str, field: &str, value: Value) -> Value {
    object.pointer_mut(pointer).unwrap()[field] = value;
    object
}

/// With three faults that nobody misses.
fn bad() -> Value {
    let pod = with(good(), "/spec", "hostPID", json!(true));
    let pod = with(pod, "/spec", "hostNetwork", json!(true));
    with(pod, "/spec/containers/0/securityContext", "privileged", json!(true))
}

const FAULTS: [&str; 3] = ["pod-host-pid", "pod-host-network", "pod-privileged"];

pub(super) fn message(decision: &Decision) -> &str {
    decision.answer.refusal.as_ref().map_or("", |refusal| refusal.message.as_str())
}

pub(super) fn said(decision: &Decision, said: Said) -> Vec<&str> {
    decision.counted.iter().filter(|c| c.verdict == said).map(|c| c.control.as_str()).collect()
}

#[test]
fn what_is_as_it_should_be_is_let_through_in_silence() {
    let decision = Asked::default().ask(create(good()));
    assert_eq!(decision.answer, Answer::default(), "{:?}", decision.counted);
}

#[test]
fn a_refusal_names_everything_that_is_wrong_and_how_to_learn_more() {
    let decision = Asked::default().ask(create(bad()));
    for fault in FAULTS {
        assert!(message(&decision).contains(&format!("- {fault}: ")), "{}", message(&decision));
        assert!(message(&decision).contains(&format!("kubectl snc explain {fault}")));
        assert!(decision.answer.annotations["failed"].contains(&format!("{fault} (Enforce)")));
    }
    assert!(message(&decision).contains("Pod/shop/web") && message(&decision).contains("spec.hostPID"));
    assert_eq!(decision.answer.refusal.as_ref().map(|r| r.code), Some(403));
    let french = Asked { lang: Lang::Fr, ..Asked::default() }.ask(create(bad()));
    assert!(message(&french).contains("contrôles refusent") && message(&french).contains("pod-host-pid : "));
}

#[test]
fn warn_warns_and_audit_only_takes_note() {
    let warned = Asked::mode(Mode::Warn).ask(create(bad()));
    assert!(warned.answer.allowed());
    for fault in FAULTS {
        assert!(warned.answer.warnings.iter().any(|w| w.starts_with(&format!("{fault}: "))), "{fault}");
    }
    assert!(warned.answer.warnings.iter().all(|w| w.chars().count() <= 256 && !w.contains('\n')));
    let noted = Asked::mode(Mode::Audit).ask(create(bad()));
    assert!(noted.answer.allowed() && noted.answer.warnings.is_empty());
    assert!(noted.answer.annotations["failed"].contains("pod-host-pid (Audit) spec.hostPID"));
}

#[test]
fn each_control_goes_by_the_mode_of_its_measure() {
    // Pod security is enforced, everything else is looked at.
    let whose = standing(Level::Standard, [Mode::Audit, Mode::Enforce, Mode::Audit, Mode::Warn]);
    let pod = with(bad(), "/spec/containers/0", "imagePullPolicy", json!("Never"));
    let decision = Asked { whose, ..Asked::default() }.ask(create(pod));
    let enforced: Vec<&str> =
        decision.counted.iter().filter(|c| c.mode == Mode::Enforce).map(|c| c.control.as_str()).collect();
    assert!(FAULTS.iter().all(|fault| enforced.contains(fault)), "{enforced:?}");
    assert!(enforced.iter().all(|id| {
        let control = ADMISSION.controls().find(|control| control.id == *id).unwrap();
        control.measure() == Measure::PodSecurity
    }));
    assert!(decision.answer.warnings.iter().any(|w| w.starts_with("image-pull-policy")));
}

#[test]
fn a_level_asks_for_its_own_controls_and_those_below() {
    let at = |level| {
        let whose = standing(level, [Mode::Enforce; 4]);
        said(&Asked { whose, ..Asked::default() }.ask(create(bad())), Said::Fail).len()
    };
    assert!(at(Level::Essentiel) <= at(Level::Standard) && at(Level::Standard) <= at(Level::Avance));
}

#[rstest]
#[case::pod("v1", "Pod", "")]
#[case::deployment("apps/v1", "Deployment", "/spec/template")]
#[case::job("batch/v1", "Job", "/spec/template")]
#[case::cron_job("batch/v1", "CronJob", "/spec/jobTemplate/spec/template")]
#[case::pod_template("v1", "PodTemplate", "/template")]
fn templates_are_judged_wherever_they_are(#[case] version: &str, #[case] kind: &str, #[case] at: &str) {
    let pod = bad();
    let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": pod["spec"]});
    let meta = json!({"name": "web", "namespace": "shop"});
    let object = match at {
        "" => pod,
        "/template" => json!({"metadata": meta, "template": template}),
        "/spec/template" => json!({"metadata": meta, "spec": {"template": template}}),
        _ => json!({"metadata": meta, "spec": {"jobTemplate": {"spec": {"template": template}}}}),
    };
    let mut object = object;
    object["apiVersion"] = json!(version);
    object["kind"] = json!(kind);
    let failed = Asked::default().ask(create(object));
    for fault in FAULTS {
        assert!(said(&failed, Said::Fail).contains(&fault), "{fault}: {}", message(&failed));
    }
}

#[test]
fn an_ephemeral_container_is_judged_in_the_pod_that_it_comes_to() {
    let debugged = with(
        good(),
        "/spec",
        "ephemeralContainers",
        json!([{"name": "debug", "image": "busybox",
        "securityContext": {"privileged": true}}]),
    );
    let mut request = request("UPDATE", debugged, good());
    request["subResource"] = json!("ephemeralcontainers");
    let decision = Asked::default().ask(request);
    assert!(message(&decision).contains("spec.ephemeralContainers[\"debug\"]"), "{}", message(&decision));
}

#[test]
fn what_was_wrong_and_is_left_alone_does_not_block() {
    let labelled = with(bad(), "/metadata/labels", "tier", json!("front"));
    let decision = Asked::default().ask(request("UPDATE", labelled, bad()));
    assert!(decision.answer.allowed(), "{}", message(&decision));
    for fault in FAULTS {
        assert!(said(&decision, Said::Unchanged).contains(&fault), "{fault}");
    }
    assert!(decision.answer.annotations["unchanged"].contains("pod-privileged"));
    // One more fault is held against it, and only that one.
    let worse = with(bad(), "/spec", "hostIPC", json!(true));
    let decision = Asked::default().ask(request("UPDATE", worse, bad()));
    assert!(message(&decision).starts_with("1 control refuses"), "{}", message(&decision));
    assert!(message(&decision).contains("pod-host-ipc"));
    // The same place with another value is another fault.
    let path =
        |path: &str| with(good(), "/spec", "volumes", json!([{"name": "v", "hostPath": {"path": path}}]));
    let decision = Asked::default().ask(request("UPDATE", path("/"), path("/var/log")));
    assert!(message(&decision).contains("pod-host-path"), "{}", message(&decision));
}

#[test]
fn a_container_does_not_inherit_the_fault_of_another() {
    let containers = |names: [&str; 2], privileged: usize| {
        let mut pod = good();
        let mut list: Vec<Value> = names
            .iter()
            .map(|name| with(pod["spec"]["containers"][0].clone(), "", "name", json!(name)))
            .collect();
        list[privileged]["securityContext"]["privileged"] = json!(true);
        pod["spec"]["containers"] = json!(list);
        pod
    };
    let swapped =
        Asked::default().ask(request("UPDATE", containers(["a", "b"], 1), containers(["a", "b"], 0)));
    assert!(message(&swapped).contains("containers[\"b\"]"), "{}", message(&swapped));
    let moved = Asked::default().ask(request("UPDATE", containers(["b", "a"], 1), containers(["a", "b"], 0)));
    assert!(moved.answer.allowed(), "the same container in another place: {}", message(&moved));
}

#[test]
fn what_is_being_deleted_can_go_and_cannot_get_worse() {
    let deleting = with(bad(), "/metadata", "deletionTimestamp", json!("2026-11-22T10:00:00Z"));
    let old = with(deleting.clone(), "/metadata", "finalizers", json!(["x/y"]));
    assert_eq!(
        Asked::default().ask(request("UPDATE", deleting.clone(), old.clone())).answer,
        Answer::default()
    );
    let worse = with(deleting, "/spec", "hostIPC", json!(true));
    assert!(!Asked::default().ask(request("UPDATE", worse, old)).answer.allowed());
    assert_eq!(Asked::default().ask(request("DELETE", Value::Null, bad())).answer, Answer::default());
}

#[test]
fn a_waiver_is_of_one_control_for_one_object_and_never_a_pass() {
    let mut asked = Asked::default();
    asked.waivers.grant("pod-host-pid", "core/Pod:shop/web", "until-spring");
    let decision = asked.ask(create(bad()));
    assert_eq!(said(&decision, Said::Exempt), ["pod-host-pid"]);
    assert_eq!(decision.answer.annotations["exempt"], "pod-host-pid (until-spring)");
    assert!(!decision.answer.allowed() && !message(&decision).contains("pod-host-pid"));
    let other = with(bad(), "/metadata", "name", json!("other"));
    assert!(said(&asked.ask(create(other)), Said::Exempt).is_empty());
}

#[rstest]
#[case(true)]
#[case(false)]
fn a_namespace_that_is_not_known_is_never_silence(#[case] strict: bool) {
    let whose = Whose::Unknown(Text::new("pas encore connu", "not known yet"));
    let decision = Asked { whose, strict, ..Asked::default() }.ask(create(good()));
    assert_eq!(decision.answer.allowed(), !strict);
    assert!(
        message(&decision).contains("not known yet") || decision.answer.warnings[0].contains("not known yet")
    );
    let nobody = Asked { whose: Whose::Nobody, ..Asked::default() }.ask(create(bad()));
    assert!(nobody.answer.allowed());
}

#[rstest]
#[case(Mode::Audit)]
#[case(Mode::Warn)]
#[case(Mode::Enforce)]
fn rules_that_need_others_are_unknown_without_them(#[case] mode: Mode) {
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "web", "namespace": "shop"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "web"},
        "subjects": [{"kind": "ServiceAccount", "name": "web", "namespace": "shop"}]});
    let fine = Asked::mode(mode).ask(create(binding.clone()));
    assert_eq!(fine.answer, Answer::default(), "{:?}", fine.counted);
    let blind = Asked { known: false, ..Asked::mode(mode) }.ask(create(binding));
    assert_eq!(said(&blind, Said::Unknown), ["rbac-cross-tenant"]);
    assert_eq!(blind.answer.allowed(), mode != Mode::Enforce);
    assert_eq!(blind.answer.warnings.len(), usize::from(mode != Mode::Enforce), "never in silence");
    // Of a pod only what scans say needs others.
    let pod = Asked { known: false, ..Asked::mode(mode) }.ask(create(good()));
    assert_eq!(said(&pod, Said::Unknown), ["image-overdue", "image-scanned"]);
    assert_eq!(pod.counted.len(), 2, "{:?}", pod.counted);
    assert_eq!(pod.answer.allowed(), mode != Mode::Enforce);
}

#[test]
fn a_refusal_is_bounded_whatever_somebody_writes() {
    let mut pod = bad();
    let long = "x".repeat(60_000);
    let many: Vec<Value> = (0..300)
        .map(|i| {
            json!({"name": format!("{i}-{}", &long[..200]), "image": &long[..1000],
            "securityContext": {"privileged": true}})
        })
        .collect();
    pod["spec"]["containers"] = json!(many);
    let decision = Asked::default().ask(create(pod));
    assert!(!decision.answer.allowed());
    assert!(message(&decision).len() < 64 * 1024, "{}", message(&decision).len());
    assert!(decision.answer.annotations.values().all(|value| value.chars().count() <= 4096));
}

/// Somebody of the group that may be let past.
fn rescuer(object: Value) -> Value {
    with(create(object), "/userInfo", "groups", json!(["system:authenticated", "rescue"]))
}

#[test]
fn the_bypass_group_is_told_and_not_held_up() {
    let asked = Asked { bypass: Some("rescue"), ..Asked::default() };
    let decision = asked.ask(rescuer(bad()));
    assert!(decision.answer.allowed());
    let mut passed = said(&decision, Said::Bypassed);
    passed.sort_unstable_by_key(|id| FAULTS.iter().position(|fault| fault == id));
    assert_eq!(passed, FAULTS);
    assert_eq!(decision.answer.warnings.len(), FAULTS.len());
    assert!(decision.answer.warnings[0].starts_with("(let through all the same) "), "{decision:?}");
    assert!(decision.answer.annotations["bypassed"].contains("pod-host-pid (Enforce) spec.hostPID"));
    // Nobody else, and nobody at all where no group is named.
    assert!(!asked.ask(create(bad())).answer.allowed());
    assert!(!Asked::default().ask(rescuer(bad())).answer.allowed());
    let other = Asked { bypass: Some("rescu"), ..Asked::default() };
    assert!(!other.ask(rescuer(bad())).answer.allowed());
}

#[test]
fn nothing_is_counted_as_let_past_where_nothing_is_held_up() {
    for mode in [Mode::Audit, Mode::Warn] {
        let asked = Asked { bypass: Some("rescue"), ..Asked::mode(mode) };
        let (rescuer, anybody) = (asked.ask(rescuer(bad())), asked.ask(create(bad())));
        assert_eq!((rescuer.answer, rescuer.counted), (anybody.answer, anybody.counted), "{mode}");
    }
    let asked = Asked { bypass: Some("rescue"), ..Asked::default() };
    assert_eq!(asked.ask(rescuer(good())).answer, Answer::default());
}

#[test]
fn the_bypass_group_does_not_open_other_tenants() {
    let policy = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}});
    let asked = Asked { bypass: Some("rescue"), ..Asked::default() };
    let decision = asked.ask(rescuer(policy));
    assert!(message(&decision).contains("network-policy-across-tenants"), "{decision:?}");
}

#[test]
fn the_bypass_group_is_not_held_up_by_what_is_not_known() {
    let whose = Whose::Unknown(Text::new("pas encore", "not yet"));
    let asked = Asked { bypass: Some("rescue"), whose, ..Asked::default() };
    assert_eq!(asked.ask(create(bad())).answer.refusal.unwrap().code, 503);
    let decision = asked.ask(rescuer(bad()));
    assert!(decision.answer.allowed() && decision.answer.warnings.len() == 1);
    assert_eq!(decision.answer.annotations["bypassed"], "not yet");
    let policy = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "web", "namespace": "shop"}, "spec": {"podSelector": {}}});
    assert_eq!(
        asked.ask(rescuer(policy)).answer.refusal.unwrap().code,
        503,
        "who reaches whom is another matter"
    );
}
