use super::*;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn package(id: &str, license: Option<&str>, source: Option<&str>) -> Value {
    json!({ "id": id, "name": id, "version": "1.0.0+a", "license": license, "license_file": null, "source": source })
}

fn node(id: &str, deps: &[(&str, Option<&str>)]) -> Value {
    let deps: Vec<Value> = deps
        .iter()
        .map(|(pkg, kind)| json!({ "pkg": pkg, "dep_kinds": [{ "kind": kind, "target": null }] }))
        .collect();
    json!({ "id": id, "deps": deps })
}

/// A binary of ours with a library, a macro, a build script's need, a test's, and one whose feature is off.
fn metadata() -> Metadata {
    let there = Some(REGISTRY);
    serde_json::from_value(json!({
        "packages": [
            package("app", Some("Apache-2.0"), None),
            package("own", Some("Apache-2.0"), None),
            package("linked", Some("MIT/Apache-2.0"), there),
            package("deep", None, there),
            package("macro", Some("MIT"), there),
            package("shared", Some("MIT"), there),
            package("builds", Some("MIT"), there),
            package("tests", Some("MIT"), there),
            package("off", Some("MIT"), there),
        ],
        "resolve": { "nodes": [
            node("app", &[
                ("own", None),
                ("linked", None),
                ("builds", Some("build")),
                ("tests", Some("dev")),
                ("off", None),
            ]),
            node("own", &[("macro", None)]),
            node("linked", &[("deep", None), ("shared", None)]),
            node("macro", &[("shared", None)]),
            node("builds", &[("deep", Some("dev"))]),
            node("deep", &[]), node("shared", &[]), node("tests", &[]), node("off", &[]),
        ] },
    }))
    .unwrap()
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|&id| id.to_owned()).collect()
}

fn compiled() -> Compiled {
    Compiled {
        target: set(&["app", "own", "linked", "deep", "shared"]),
        host: set(&["macro", "shared", "builds"]),
    }
}

fn all_checksums() -> Checksums {
    let names = ["linked", "deep", "macro", "shared", "builds"];
    names.map(|name| ((name.to_owned(), "1.0.0+a".to_owned()), "ab".repeat(32))).into()
}

fn made(compiled: &Compiled, checksums: &Checksums, package: &str) -> Result<Value> {
    let sha256 = "cd".repeat(32);
    let subject =
        Subject { binary: "snc-app", package, platform: Platform::Amd64, sha256: &sha256, rust: "1.95.0" };
    bill(&metadata(), compiled, checksums, &subject)
}

fn scopes(bill: &Value) -> BTreeMap<String, String> {
    let components = bill["components"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    components.map(|component| (text(&component["name"]), text(&component["scope"]))).collect()
}

#[test]
fn what_is_linked_what_ran_while_building_and_nothing_else() {
    let bill = made(&compiled(), &all_checksums(), "app").unwrap();
    let wanted = [
        ("builds", "excluded"),
        ("deep", "required"),
        ("linked", "required"),
        ("macro", "excluded"),
        ("own", "required"),
        ("rust-std", "required"),
        ("shared", "required"),
    ];
    assert_eq!(scopes(&bill), wanted.map(|(name, scope)| (name.to_owned(), scope.to_owned())).into());
}

#[test]
fn components_say_where_they_are_from_and_what_they_are() {
    let bill = made(&compiled(), &all_checksums(), "app").unwrap();
    let component = |name: &str| {
        bill["components"]
            .as_array()
            .unwrap()
            .iter()
            .find(|component| component["name"] == name)
            .unwrap()
            .clone()
    };
    let linked = component("linked");
    assert_eq!(linked["purl"], "pkg:cargo/linked@1.0.0%2Ba");
    assert_eq!(linked["licenses"], json!([{ "expression": "MIT OR Apache-2.0" }]));
    assert_eq!(linked["hashes"][0]["content"], "ab".repeat(32));
    let own = component("own");
    assert!(own.get("purl").is_none() && own.get("hashes").is_none(), "{own}");
    assert!(component("deep").get("licenses").is_none());
    assert_eq!(bill["metadata"]["component"]["hashes"][0]["content"], "cd".repeat(32));
    let needs = |of: &str| {
        let all = bill["dependencies"].as_array().unwrap();
        all.iter().find(|needs| needs["ref"] == of).unwrap()["dependsOn"].clone()
    };
    let of_app =
        ["own@1.0.0+a", "pkg:cargo/builds@1.0.0%2Ba", "pkg:cargo/linked@1.0.0%2Ba", "rust-std@1.95.0"];
    assert_eq!(needs("snc-app@1.0.0+a"), json!(of_app));
    assert_eq!(needs("pkg:cargo/macro@1.0.0%2Ba"), json!(["pkg:cargo/shared@1.0.0%2Ba"]));
    assert_eq!(needs("pkg:cargo/builds@1.0.0%2Ba"), json!([]));
}

#[test]
fn what_cargo_lock_does_not_hold_and_packages_that_are_not_ours_are_refused() {
    let mut some = all_checksums();
    some.remove(&("deep".to_owned(), "1.0.0+a".to_owned()));
    assert!(made(&compiled(), &some, "app").unwrap_err().to_string().contains("deep 1.0.0+a"));
    assert!(made(&compiled(), &all_checksums(), "linked").is_err());
}

#[test]
fn checksums_are_read_from_a_real_lock_file() {
    let lock = std::fs::read_to_string(crate::harness::workspace::root().join("Cargo.lock")).unwrap();
    let checksums = checksums(&lock);
    let sources = lock.lines().filter(|line| line.starts_with("source = ")).count();
    assert_eq!(checksums.len(), sources);
    assert!(
        checksums.values().all(|sum| sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit()))
    );
}

/// Their own, with the two that it refers to.
fn schema() -> jsonschema::Validator {
    let dir = crate::harness::workspace::root().join("xtask/tests/cyclonedx");
    let read =
        |name: &str| -> Value { serde_json::from_slice(&std::fs::read(dir.join(name)).unwrap()).unwrap() };
    let registry = jsonschema::Registry::new()
        .add("http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json", read("spdx.SNAPSHOT.schema.json"))
        .unwrap()
        .add(
            "http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json",
            read("jsf-0.82.SNAPSHOT.schema.json"),
        )
        .unwrap()
        .prepare()
        .unwrap();
    jsonschema::options().with_registry(&registry).build(&read("bom-1.5.SNAPSHOT.schema.json")).unwrap()
}

#[test]
fn the_schema_of_cyclonedx_takes_it_and_refuses_what_is_none() {
    let schema = schema();
    let bill = made(&compiled(), &all_checksums(), "app").unwrap();
    let errors: Vec<String> =
        schema.iter_errors(&bill).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    for (path, wrong) in [
        ("/specVersion", json!(1.5)),
        ("/components/0/scope", json!("linked")),
        ("/components/0/surprise", json!(true)),
        ("/metadata/component/hashes/0/content", json!("none")),
    ] {
        let mut other = bill.clone();
        let (parent, field) = path.rsplit_once('/').unwrap();
        other.pointer_mut(parent).unwrap()[field] = wrong;
        assert!(!schema.is_valid(&other), "{path}");
    }
}

/// The workspace itself, as if everything had been compiled for the target, but for what `cargo metadata` names of a feature
/// that is off.
#[test]
fn the_real_dependencies_make_a_bill_that_the_schema_takes() {
    let mut command = crate::commands::cargo::cargo(["metadata", "--locked", "--format-version=1"]);
    let output = command.args(["--filter-platform", Platform::Amd64.target()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata = serde_json::from_slice(&output.stdout).unwrap();
    let compiled = metadata.packages.iter().filter(|package| package.name != "ring");
    let target = compiled.map(|package| package.id.clone()).collect();
    let compiled = Compiled { target, host: BTreeSet::new() };
    let lock = std::fs::read_to_string(crate::harness::workspace::root().join("Cargo.lock")).unwrap();
    let sha256 = "cd".repeat(32);
    for (binary, package) in crate::commands::release::build::BINARIES {
        let subject = Subject { binary, package, platform: Platform::Amd64, sha256: &sha256, rust: "1.95.0" };
        let bill = bill(&metadata, &compiled, &checksums(&lock), &subject).unwrap();
        let errors: Vec<String> =
            schema().iter_errors(&bill).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let scopes = scopes(&bill);
        assert!(scopes.contains_key("aws-lc-sys") && !scopes.contains_key("ring"), "{scopes:?}");
    }
}
