//! What was wrong before, and is left as it was, is not held against an update.

use super::{Finding, Said};
use serde_json::Value;
use snc_catalogue::Object;
use snc_core::control::Control;
use snc_core::verdict::Outcome;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whether two versions of an object are alike in everything that a rule can read, but for what others keep in it: its
/// status and its book-keeping. Finalizers are taken off what is being deleted in this way.
pub fn says_the_same(object: &Value, old: &Value) -> bool {
    let (Some(object), Some(old)) = (object.as_object(), old.as_object()) else { return false };
    let kept = |field: &str| !matches!(field, "metadata" | "status");
    let count = |fields: &serde_json::Map<String, Value>| fields.keys().filter(|field| kept(field)).count();
    count(object) == count(old)
        && object.iter().filter(|(field, _)| kept(field)).all(|(field, value)| old.get(field) == Some(value))
        && ["labels", "annotations", "name", "namespace"]
            .iter()
            .all(|field| part(object, field) == part(old, field))
}

fn part<'v>(object: &'v serde_json::Map<String, Value>, field: &str) -> Option<&'v Value> {
    object.get("metadata")?.get(field)
}

/// `judge` says what each control says of a version of the object.
pub fn forgive<'c>(
    findings: &mut [Finding<'_>],
    object: &Object,
    old: &Object,
    judge: impl Fn(&Object) -> Vec<(&'c Control, Arc<Outcome>)>,
) {
    let before: BTreeMap<&str, Arc<Outcome>> =
        judge(old).into_iter().map(|(control, outcome)| (control.id.as_str(), outcome)).collect();
    for finding in findings.iter_mut().filter(|finding| finding.said == Said::Fail) {
        let Some(before) = before.get(finding.control.id.as_str()) else { continue };
        if is_unchanged(&finding.outcome, before, &object.body, &old.body) {
            finding.said = Said::Unchanged;
        }
    }
}

/// Every place that is wrong was wrong, and holds what it held. A finding without a place never is: nobody can tell.
fn is_unchanged(now: &Outcome, before: &Outcome, object: &Value, old: &Value) -> bool {
    now.verdict == before.verdict
        && !now.paths.is_empty()
        && now.paths.iter().all(|path| {
            before.paths.contains(path)
                && match (at(object, element(path)), at(old, element(path))) {
                    (Ok(now), Ok(before)) => now == before,
                    _ => false,
                }
        })
}

/// Of a list without names, the element as a whole: what stands beside is what makes it that one.
fn element(path: &str) -> &str {
    let place = path.rmatch_indices('[').find_map(|(at, _)| {
        let end = at + path[at..].find(']')?;
        path[at + 1..end].parse::<usize>().ok().map(|_| end + 1)
    });
    place.map_or(path, |end| &path[..end])
}

/// What is at a path as findings write it: `spec.containers["web"].ports[0].hostPort`. None where the object has
/// nothing there; an error where the path is not understood.
fn at<'v>(object: &'v Value, path: &str) -> Result<Option<&'v Value>, ()> {
    let mut rest = path;
    let mut found = Some(object);
    while !rest.is_empty() {
        let (step, after) = step(rest)?;
        rest = after;
        found = found.and_then(|value| match step {
            Step::Field(name) => value.get(name),
            Step::Place(index) => value.get(index),
            Step::Named(name) => match value {
                Value::Array(list) => list.iter().find(|item| item["name"] == name),
                other => other.get(name),
            },
        });
    }
    Ok(found)
}

enum Step<'p> {
    Field(&'p str),
    Place(usize),
    /// The element of a list that has this name, or the field of a map.
    Named(&'p str),
}

fn step(path: &str) -> Result<(Step<'_>, &str), ()> {
    if let Some(rest) = path.strip_prefix("[\"") {
        let end = rest.find("\"]").ok_or(())?;
        return Ok((Step::Named(&rest[..end]), &rest[end + 2..]));
    }
    if let Some(rest) = path.strip_prefix('[') {
        let (index, rest) = rest.split_once(']').ok_or(())?;
        return Ok((Step::Place(index.parse().map_err(drop)?), rest));
    }
    let path = path.strip_prefix('.').unwrap_or(path);
    let end = path.find(['.', '[']).unwrap_or(path.len());
    if end == 0 {
        return Err(());
    }
    Ok((Step::Field(&path[..end]), &path[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_where_findings_point() {
        let object = json!({"spec": {"containers": [{"name": "a.b", "ports": [{"hostPort": 1}]}]},
            "metadata": {"labels": {"x/y.z": "v"}}});
        assert_eq!(at(&object, "spec.containers[\"a.b\"].ports[0].hostPort"), Ok(Some(&json!(1))));
        assert_eq!(at(&object, "metadata.labels[\"x/y.z\"]"), Ok(Some(&json!("v"))));
        assert_eq!(at(&object, "spec.containers[\"other\"].ports"), Ok(None));
        for broken in ["spec..x", "spec[", "spec[\"x", "spec[-1]", "spec."] {
            assert_eq!(at(&object, broken), Err(()), "{broken}");
        }
    }

    #[test]
    fn an_element_without_a_name_is_compared_as_a_whole() {
        for (path, whole) in [
            ("subjects[0].name", "subjects[0]"),
            ("rules[1].verbs[2]", "rules[1].verbs[2]"),
            ("spec.containers[\"0\"].image", "spec.containers[\"0\"].image"),
            ("spec.containers[\"a\"].ports[3].hostPort", "spec.containers[\"a\"].ports[3]"),
            ("spec.type", "spec.type"),
        ] {
            assert_eq!(element(path), whole);
        }
    }

    #[test]
    fn finalizers_and_status_are_nobodys_business() {
        let object = json!({"kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}, "finalizers": ["x"],
            "deletionTimestamp": "2026-11-22T10:00:00Z"}, "spec": {"hostPID": true}, "status": {"phase": "Failed"}});
        let mut other = object.clone();
        other["metadata"]["finalizers"] = json!([]);
        other["status"] = json!({});
        assert!(says_the_same(&object, &other));
        for (pointer, value) in [("/metadata/labels/a", json!("c")), ("/spec/hostPID", json!(false))] {
            let mut changed = other.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert!(!says_the_same(&object, &changed), "{pointer}");
        }
        let mut more = other.clone();
        more["rules"] = json!([]);
        assert!(!says_the_same(&object, &more) && !says_the_same(&more, &object));
    }
}
