//! Controls of a cluster's own: what is wrong with one is told where it is, and none can weaken.

use proptest::prelude::*;
use serde_json::{Value, json};
use snc_catalogue::{
    CUSTOM, Catalogue, Judge, MOST_CUSTOM, Mistake, Object, Profile, States, Uniform, controls, custom,
    requirements,
};
use snc_core::control::Control;
use snc_core::snapshot::Availability;
use snc_core::tier::Level;
use snc_core::verdict::Verdict;
use std::sync::LazyLock;

fn body(rule: Value, reads: &[&str]) -> Value {
    json!({
        "id": "", "category": "workload", "requirements": ["9.7.a", "12.1.a"], "level": "Essentiel",
        "severity": "medium", "scope": "tenant", "title": {"fr": "Titre", "en": "Title"},
        "remediation": {"fr": "Faire", "en": "Do", "snippet": "a: b"},
        "boundary": {"fr": "Ceci", "en": "This"}, "reads": reads, "rule": rule,
    })
}

fn rule() -> Value {
    json!({"expect": "has(object.spec)", "path": "spec", "message": {"fr": "faux : {found}", "en": "wrong: {found}"}})
}

fn made(body: Value) -> Control {
    serde_json::from_value(body).unwrap()
}

fn of(rule: Value, reads: &[&str]) -> Vec<Mistake> {
    custom("custom-a", made(body(rule, reads))).err().unwrap_or_default()
}

/// Field, line and column of the only mistake.
fn only(wrong: &[Mistake]) -> (&str, u32, u32) {
    assert_eq!(wrong.len(), 1, "{wrong:#?}");
    assert!(!wrong[0].message.fr.is_empty() && wrong[0].message.fr != wrong[0].message.en);
    (&wrong[0].field, wrong[0].line, wrong[0].column)
}

#[test]
fn one_that_is_right_is_taken() {
    let control = custom("custom-a", made(body(rule(), &["core/Service"]))).unwrap();
    assert_eq!(control.id, "custom-a");
    let pods = json!({"applies": "has(variables.podSpec.hostNetwork)", "each": "containers",
        "expect": "self.image.startsWith('x')", "path": "image", "value": "self.image",
        "message": {"fr": "faux : {found}", "en": "wrong: {found}"}});
    assert_eq!(of(pods, &["pods"]), []);
    let list = json!({"each": "object.spec.ports", "expect": "self.port > 0",
        "path": "spec.ports[{string(self.port)}].port", "message": {"fr": "a {object.kind}", "en": "b"}});
    assert_eq!(of(list, &["core/Service"]), []);
}

/// Every rule of the product would be taken, so that what is refused is not what is asked for.
#[test]
fn no_control_of_the_product_has_such_an_id() {
    assert!(controls().iter().all(|control| !control.id.starts_with(CUSTOM)));
}

#[test]
fn places_are_those_of_the_author() {
    let with = |field: &str, source: &str| {
        let mut rule = rule();
        rule[field] = json!(source);
        of(rule, &["core/Service"])
    };
    assert_eq!(only(&with("expect", "object.spec.(")).0, "spec.rule.expect");
    assert_eq!(only(&with("expect", "true &&\n  nowhere")), ("spec.rule.expect", 2, 3));
    assert_eq!(only(&with("applies", "é == 'a'")).0, "spec.rule.applies");
    assert_eq!(only(&with("applies", "object.kind == 'é' && nowhere")), ("spec.rule.applies", 1, 23));
    assert_eq!(only(&with("applies", "object.kind")), ("spec.rule.applies", 1, 1));
    assert_eq!(only(&with("path", "spec.{nowhere}")), ("spec.rule.path", 1, 7));
    assert_eq!(only(&with("path", "spec.{'a'")), ("spec.rule.path", 1, 6));
    assert_eq!(only(&with("value", "1")).0, "spec.rule.value");
    assert_eq!(only(&with("each", "true")).0, "spec.rule.each");
    assert_eq!(only(&with("each", "containers")).0, "spec.rule.each");
    let mut message = rule();
    message["message"]["en"] = json!("é {object.kind} {nowhere}");
    assert_eq!(only(&of(message, &["core/Service"])), ("spec.rule.message.en", 1, 18));
    let mut each = rule();
    each["each"] = json!("['a', 'b']");
    each["expect"] = json!("self == 'a' &&\n   self > 1");
    assert_eq!(only(&of(each, &["core/Service"])), ("spec.rule.expect", 2, 9), "self is a text");
}

#[test]
fn nothing_closes_what_stands_around_it() {
    for open in ["false) || (true", "true // ", "true)) || ((true"] {
        let mut rule = rule();
        rule["each"] = json!("object.spec.ports");
        rule["expect"] = json!(open);
        assert!(!of(rule, &["core/Service"]).is_empty(), "{open}");
    }
}

#[test]
fn rules_on_pods_read_what_is_of_every_pod_of_a_template() {
    for own in [
        "has(object.metadata)",
        "object['metadata'].name == 'a'",
        "variables.named == 'a'",
        "variables.components.size() == 0",
        "!has(variables.podSpec.nodeName)",
        "!('nodeName' in variables.podSpec)",
    ] {
        let mut rule = rule();
        rule["expect"] = json!(own);
        assert_eq!(only(&of(rule.clone(), &["pods"])).0, "spec.rule.expect", "{own}");
        assert_eq!(of(rule, &["core/Pod"]), [], "{own}");
    }
}

#[test]
fn every_field_is_looked_at() {
    let wrong = |change: fn(&mut Value)| -> Vec<String> {
        let mut body = body(rule(), &["core/Service"]);
        change(&mut body);
        let wrong = custom("custom-a", made(body)).err().unwrap_or_default();
        wrong.into_iter().map(|mistake| mistake.field).collect()
    };
    assert_eq!(wrong(|b| b["title"]["fr"] = json!(" ")), ["spec.title.fr"]);
    assert_eq!(wrong(|b| b["title"]["en"] = json!("a\nb")), ["spec.title.en"]);
    assert_eq!(wrong(|b| b["boundary"]["en"] = json!("a".repeat(3000))), ["spec.boundary.en"]);
    assert_eq!(wrong(|b| b["requirements"] = json!([])), ["spec.requirements"]);
    assert_eq!(wrong(|b| b["requirements"] = json!(["9.7.a", "99.9"])), ["spec.requirements[1]"]);
    assert_eq!(wrong(|b| b["reads"] = json!([])), ["spec.reads"]);
    assert_eq!(wrong(|b| b["reads"] = json!(["Service"])), ["spec.reads[0]"]);
    assert_eq!(wrong(|b| b["reads"] = json!(["core/Service", "core/Service"])), ["spec.reads[1]"]);
    assert_eq!(wrong(|b| b["judges"] = json!(["core/Service"])), ["spec.judges"]);
    assert_eq!(wrong(|b| b["rule"] = Value::Null), ["spec.rule"]);
    assert_eq!(wrong(|b| b["rule"]["component"] = json!(true)), ["spec.rule.component"]);
    assert_eq!(wrong(|b| b["rule"]["message"]["fr"] = json!("")), ["spec.rule.message.fr"]);
    assert_eq!(
        wrong(|b| b["rule"]["expect"] = json!(format!("'{}' == ''", "a".repeat(5000)))),
        ["spec.rule.expect"]
    );
    let id = |id: &str| custom(id, made(body(rule(), &["core/Service"]))).is_ok();
    assert!(id("custom-a-1") && !id("a") && !id("custom-") && !id("custom-A") && !id("custom-a-"));
}

#[test]
fn parameters_fit_their_type_and_bounds() {
    let with = |parameter: Value| -> Vec<String> {
        let mut body = body(rule(), &["core/Service"]);
        let mut whole = json!({"name": "most", "default": 3, "bounds": {"min": 1, "max": 5}, "stronger": "lower",
            "source": "product", "writer": "platform", "about": {"fr": "a", "en": "b"}});
        for (key, value) in parameter.as_object().unwrap() {
            whole[key] = value.clone();
        }
        body["parameters"] = json!([whole]);
        let wrong = custom("custom-a", made(body)).err().unwrap_or_default();
        wrong.into_iter().map(|mistake| mistake.field).collect()
    };
    assert_eq!(with(json!({})), [""; 0]);
    assert_eq!(with(json!({"default": 9})), ["spec.parameters[0].default"]);
    assert_eq!(with(json!({"default": 1.5})), ["spec.parameters[0].default"]);
    assert_eq!(with(json!({"bounds": null})), ["spec.parameters[0].bounds"]);
    assert_eq!(with(json!({"stronger": "fewer"})), ["spec.parameters[0].stronger"]);
    assert_eq!(with(json!({"default": ["a"], "bounds": null, "stronger": "more"})), [""; 0]);
    assert_eq!(
        with(json!({"default": [1], "bounds": null, "stronger": "more"})),
        ["spec.parameters[0].default"]
    );
    assert_eq!(with(json!({"default": true, "stronger": "true"})), ["spec.parameters[0].bounds"]);
    assert_eq!(with(json!({"name": "a-b"})), ["spec.parameters[0].name"]);
}

/// As many as there may be, for requirements of every kind.
static WITH: LazyLock<Catalogue> = LazyLock::new(|| {
    let ids: Vec<&str> = requirements().map(|requirement| requirement.id.as_str()).collect();
    let all = (0..MOST_CUSTOM).map(|at| {
        let mut body = body(rule(), &["core/Service"]);
        body["requirements"] = json!([ids[at % ids.len()], ids[(at * 7 + 90) % ids.len()]]);
        custom(&format!("custom-{at}"), made(body)).unwrap()
    });
    Catalogue::with_custom(all.collect()).unwrap()
});

proptest! {
    /// Whatever the product's controls say, and whatever a cluster's own do.
    #[test]
    fn none_raises_a_score_or_betters_a_requirement(
        own in prop::collection::vec(prop::sample::select(Verdict::ALL), controls().len()),
        added in prop::collection::vec(prop::sample::select(Verdict::ALL), MOST_CUSTOM),
        kept in 0..=MOST_CUSTOM,
    ) {
        let before = [own.clone(), vec![Verdict::NotApplicable; MOST_CUSTOM]].concat();
        let mut after = [own, added].concat();
        for verdict in after.iter_mut().skip(controls().len() + kept) {
            *verdict = Verdict::NotApplicable;
        }
        let (old, new) = (WITH.numbers(&before), WITH.numbers(&after));
        prop_assert!(new.proven == old.proven && new.disproved >= old.disproved && new.unknown >= old.unknown);
        prop_assert!(new.score().unwrap_or(0) <= old.score().unwrap_or(100));
        let (old, new) = (States::new(&WITH, &before), States::new(&WITH, &after));
        for requirement in requirements() {
            prop_assert!(new.of(requirement) >= old.of(requirement), "{}", requirement.id);
        }
    }
}

#[test]
fn one_that_passes_is_as_if_it_were_not_there_and_one_that_fails_counts() {
    let built_in = Catalogue::on_demand().unwrap();
    let with = |expect: &str| {
        let mut rule = rule();
        rule["expect"] = json!(expect);
        Catalogue::with_custom(vec![custom("custom-a", made(body(rule, &["core/Service"]))).unwrap()])
            .unwrap()
    };
    let judged = |catalogue: &Catalogue| {
        let profile = Uniform(Profile::new(Level::Avance));
        let mut judge = Judge::new(catalogue, &profile);
        for kind in catalogue.reads() {
            judge.set(&kind, Availability::Held);
        }
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "shop"},
            "spec": {"ports": [{"port": 1}]}});
        judge.see(&Object::new(service).unwrap());
        let all = judge.conclude(jiff::Timestamp::UNIX_EPOCH).worst(catalogue.controls().count(), |_| true);
        (all.last().copied().unwrap(), catalogue.numbers(&all))
    };
    let (_, plain) = judged(&built_in);
    assert_eq!(judged(&with("true")), (Verdict::Pass, plain));
    let (verdict, failing) = judged(&with("object.spec.ports.size() > 1"));
    assert_eq!((verdict, failing.disproved), (Verdict::Fail, plain.disproved + 1));
    let (verdict, unknown) = judged(&with("object.spec.nowhere > 1"));
    assert_eq!((verdict, unknown.unknown), (Verdict::Unknown, plain.unknown + 1));
    // A mistake makes nothing better.
    let mut wrong = rule();
    wrong["expect"] = json!("object.spec.ports.(");
    let wrong = made(body(wrong, &["core/Service"]));
    let catalogue = Catalogue::with_custom(Vec::new()).unwrap().and_unusable(vec![wrong]);
    let (verdict, unknown) = judged(&catalogue);
    assert_eq!((verdict, unknown.unknown), (Verdict::Unknown, plain.unknown + 1));
}

#[test]
fn there_are_so_many_and_each_once() {
    let one = |id: &str| custom(id, made(body(rule(), &["core/Service"]))).unwrap();
    assert!(Catalogue::with_custom(vec![one("custom-a"), one("custom-a")]).is_err());
    assert!(
        Catalogue::with_custom((0..=MOST_CUSTOM).map(|at| one(&format!("custom-{at}"))).collect()).is_err()
    );
    assert!(Catalogue::with_custom(vec![controls()[0].clone()]).is_err());
    let catalogue = Catalogue::with_custom(vec![one("custom-a")]).unwrap();
    let own: Vec<bool> = (0..=controls().len()).map(|at| catalogue.is_custom(at)).collect();
    assert_eq!(own.iter().filter(|own| **own).count(), 1);
    assert!(own[controls().len()]);
}

#[test]
fn one_of_a_clusters_own_is_judged_as_things_change() {
    use snc_catalogue::{Governed, Live, Tenancy};
    use std::sync::Arc;
    let mut own = rule();
    own["applies"] = json!("object.metadata.name.startsWith('equipe-')");
    own["expect"] = json!("has(object.metadata.labels) && 'team' in object.metadata.labels");
    own["path"] = json!("metadata.labels.team");
    let control = custom("custom-a", made(body(own, &["core/Service"]))).unwrap();
    let catalogue = Arc::new(Catalogue::with_custom(vec![control]).unwrap());
    let mut live = Live::new(catalogue.clone());
    for kind in catalogue.reads() {
        live.set(&kind, Availability::Held);
    }
    let mut tenancy = Tenancy::new(Profile::new(Level::Avance));
    let profile = Arc::new(Profile::new(Level::Standard));
    tenancy.governed.insert("shop".to_owned(), Governed { tenant: "boutique".to_owned(), profile });
    let service = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "equipe-a", "namespace": "shop"}, "spec": {"ports": [{"port": 1}]}});
    let held = live.weigher().weigh(Object::new(service).unwrap());
    live.reset("core/Service", vec![held]);
    live.govern(tenancy);
    let found = live.conclude(jiff::Timestamp::UNIX_EPOCH);
    let last = controls().len();
    assert_eq!(found.tenants["boutique"].worst[last], Verdict::Fail);
    assert_eq!(found.cluster.worst[last], Verdict::Fail);
}
