//! The shape of the API as people meet it: names, columns, and that no field goes unexplained.

#![allow(clippy::unwrap_used, reason = "a helper of tests is a test")]

use serde_json::Value;

fn crds() -> Vec<Value> {
    snc_api::all_crds().iter().map(|crd| serde_json::to_value(crd).unwrap()).collect()
}

fn schema(crd: &Value) -> &Value {
    &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}

#[test]
fn columns_are_the_promised_ones() {
    let columns = |kind: &str| -> Vec<String> {
        let crd = crds().into_iter().find(|c| c["spec"]["names"]["kind"] == kind).unwrap();
        let columns = crd["spec"]["versions"][0]["additionalPrinterColumns"].as_array().unwrap().clone();
        columns.iter().map(|c| c["name"].as_str().unwrap().to_uppercase()).collect()
    };
    let of_policies = [
        "TENANT",
        "LEVEL",
        "ISOLATION",
        "EFFECTIVE",
        "ISOLATED",
        "SATISFIED",
        "FAIL",
        "UNKNOWN",
        "SCORE",
        "AGE",
    ];
    assert_eq!(columns("SncPolicy"), of_policies);
    assert_eq!(columns("SncControl"), ["CATEGORY", "SEVERITY", "LEVEL", "COMPILED", "REASON", "AGE"]);
}

#[test]
fn every_kind_has_a_short_name_and_the_category_and_what_people_write_a_status() {
    for crd in crds() {
        let names = &crd["spec"]["names"];
        assert_eq!(names["categories"], serde_json::json!(["snc"]), "{names}");
        assert_eq!(names["shortNames"].as_array().unwrap().len(), 1, "{names}");
        // What the operator itself writes, and what scanners do, is what it is: nothing is said of it.
        let has_status = crd["spec"]["versions"][0]["subresources"]["status"].is_object();
        let bare = ["SncWaiverSet", "SncImageScan", "SncImageLedger"];
        assert_eq!(has_status, !bare.contains(&names["kind"].as_str().unwrap()), "{names}");
        assert!(schema(&crd)["description"].as_str().unwrap().len() > 20, "{names}");
    }
}

/// Every list, string and map that a person writes is bounded, or the API server could not bound the cost of the
/// rules, nor we the size of what follows from it.
#[test]
fn what_people_write_is_bounded() {
    fn walk(path: &str, schema: &Value, unbounded: &mut Vec<String>) {
        let bounded = |keys: &[&str]| keys.iter().any(|k| schema.get(k).is_some());
        match schema["type"].as_str() {
            Some("string") if !bounded(&["maxLength", "enum", "format"]) => unbounded.push(path.to_owned()),
            Some("array") if !bounded(&["maxItems"]) => unbounded.push(path.to_owned()),
            _ => {}
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            walk(&format!("{path}.{name}"), property, unbounded);
        }
        if schema["items"].is_object() {
            walk(&format!("{path}[]"), &schema["items"], unbounded);
        }
        if schema["additionalProperties"].is_object() && !bounded(&["maxProperties"]) {
            unbounded.push(format!("{path}{{}}"));
        }
    }
    let mut unbounded = Vec::new();
    for crd in crds() {
        let kind = crd["spec"]["names"]["kind"].as_str().unwrap().to_owned();
        walk(&format!("{kind}.spec"), &schema(&crd)["properties"]["spec"], &mut unbounded);
    }
    assert_eq!(unbounded, Vec::<String>::new());
}

/// Each other one is a warning for whoever applies the definitions.
#[test]
fn formats_are_those_that_the_api_server_knows() {
    fn walk(path: &str, schema: &Value, unknown: &mut Vec<String>) {
        if let Some(format) = schema["format"].as_str()
            && !["int32", "int64", "double", "date-time"].contains(&format)
        {
            unknown.push(format!("{path}: {format}"));
        }
        match schema {
            Value::Object(map) => map.iter().for_each(|(key, v)| walk(&format!("{path}.{key}"), v, unknown)),
            Value::Array(list) => list.iter().for_each(|v| walk(path, v, unknown)),
            _ => {}
        }
    }
    let mut unknown = Vec::new();
    for crd in crds() {
        walk(crd["spec"]["names"]["kind"].as_str().unwrap(), schema(&crd), &mut unknown);
    }
    assert_eq!(unknown, Vec::<String>::new());
}

#[test]
fn rules_say_what_is_accepted_in_both_languages() {
    fn walk(schema: &Value, messages: &mut Vec<String>) {
        for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
            messages.push(rule["message"].as_str().unwrap_or_default().to_owned());
        }
        match schema {
            Value::Object(map) => map.values().for_each(|v| walk(v, messages)),
            Value::Array(list) => list.iter().for_each(|v| walk(v, messages)),
            _ => {}
        }
    }
    let mut messages = Vec::new();
    for crd in &crds() {
        walk(schema(crd), &mut messages);
    }
    assert!(messages.len() > 10, "{}", messages.len());
    for message in messages {
        assert!(message.contains(" / "), "one language only: {message:?}");
    }
}
