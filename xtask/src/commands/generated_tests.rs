use super::*;

const CRDS: &str = "\
---
kind: CustomResourceDefinition
metadata:
  name: cats
spec: { names: { plural: cats } }
---
kind: CustomResourceDefinition
metadata:
  name: dogs
spec: { names: { plural: dogs } }
";

const PER_CRD: Target = Target::FilePerCrd { plain: &["crds", "chart/crds"], templates: &["kept"] };

fn generated() -> Generated {
    let mut generated = Generated::default();
    generated.add("snc-operator", &PER_CRD, CRDS).unwrap();
    generated.add("snc-operator", &Target::File("guards.yaml"), "---\na: 1\n---\nb: 2\n").unwrap();
    generated
}

#[test]
fn what_was_written_does_not_differ() {
    let root = tempfile::tempdir().unwrap();
    let changed = generated().write_under(root.path()).unwrap();
    let expected = ["chart/crds/cats.yaml", "chart/crds/dogs.yaml", "crds/cats.yaml", "crds/dogs.yaml"];
    assert_eq!(changed[..4], expected.map(PathBuf::from));
    assert_eq!(changed[4..], ["guards.yaml", "kept/cats.yaml", "kept/dogs.yaml"].map(PathBuf::from));
    assert_eq!(generated().diff_under(root.path()).unwrap(), "");
    assert!(generated().write_under(root.path()).unwrap().is_empty(), "nothing is written again");
    let guards = fs::read_to_string(root.path().join("guards.yaml")).unwrap();
    assert_eq!(guards, format!("{HEADER}---\na: 1\n---\nb: 2\n"));
}

#[test]
fn a_changed_file_and_a_stray_one_are_shown_and_put_right() {
    let root = tempfile::tempdir().unwrap();
    generated().write_under(root.path()).unwrap();
    fs::write(root.path().join("guards.yaml"), format!("{HEADER}---\na: 1\n---\nb: 3\n")).unwrap();
    fs::write(root.path().join("crds/birds.yaml"), "kind: Bird\n").unwrap();
    let diff = generated().diff_under(root.path()).unwrap();
    let expected = "\
--- guards.yaml (file)
+++ guards.yaml (generated)
@@ -3,3 +3,3 @@
 a: 1
 ---
-b: 3
+b: 2
--- crds/birds.yaml (file)
+++ crds/birds.yaml (generated)
@@ -1 +0,0 @@
-kind: Bird
";
    assert_eq!(diff, expected);
    let changed = generated().write_under(root.path()).unwrap();
    assert_eq!(changed, [PathBuf::from("guards.yaml"), PathBuf::from("crds/birds.yaml")]);
    assert_eq!(generated().diff_under(root.path()).unwrap(), "");
}

#[test]
fn output_that_is_not_what_it_should_be_is_refused() {
    for (text, why) in [
        ("", "no document"),
        ("---\nkind: Pod\n", "not a CustomResourceDefinition"),
        ("---\nkind: CustomResourceDefinition\nspec: { names: { plural: ../x } }\n", "plural"),
        ("---\nkind: CustomResourceDefinition\nspec: { names: { plural: x } }\n", "no metadata"),
        (&format!("{CRDS}{CRDS}"), "twice"),
    ] {
        let error = format!("{:#}", Generated::default().add("snc-operator", &PER_CRD, text).unwrap_err());
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_template_keeps_and_labels_and_says_nothing_to_helm() {
    let made =
        template("kind: CustomResourceDefinition\nmetadata:\n  name: cats\nspec:\n  about: of {{ x }}\n")
            .unwrap();
    let expected = r#"kind: CustomResourceDefinition
metadata:
  annotations:
    helm.sh/resource-policy: keep
  labels:
    {{- include "snc-crds.labels" . | nindent 4 }}
  name: cats
spec:
  about: of {{ "{{" }} x }}
"#;
    assert_eq!(made, expected);
}
