use super::*;

const VALUES: &str = "\
# Of no value.

# How
# many.
# @schema { minimum: 0, maximum: 5 }
a: 2

# All.
b:
  # @schema { enum: ['', x|y] }
  c: ''
  # Some.
  # @schema { optional: true, items: { type: object } }
  d:
    # Not of d.
    - e: 1
      f: 2
  # @schema { additionalProperties: { type: string } }
  g:
    h: i
  # @schema { type: object }
  j:
    k: {}
l: true
";

#[test]
fn each_value_has_a_row_with_its_comment_and_what_is_accepted() {
    let page = page(VALUES).unwrap();
    let rows: Vec<&str> = page.lines().skip(6).collect();
    assert_eq!(
        rows,
        [
            "|---|---|---|---|",
            "| `a` | `2` | integer 0 to 5 | How many. |",
            "| `b` |  |  | All. |",
            "| `b.c` | `\"\"` | `\"\"`, `\"x\\|y\"` |  |",
            "| `b.d` | `[{\"e\":1,\"f\":2}]` | array | Some. |",
            "| `b.g` | `{\"h\":\"i\"}` | object |  |",
            "| `b.j` | `{\"k\":{}}` | object |  |",
            "| `l` | `true` | boolean |  |",
        ]
    );
}

#[test]
fn the_schema_knows_types_from_defaults_and_the_rest_from_annotations() {
    let made: Value = serde_json::from_str(&schema(VALUES).unwrap()).unwrap();
    let wanted = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "additionalProperties": false,
        "required": ["a", "b", "l"],
        "properties": {
            "global": { "type": "object" },
            "a": { "description": "How many.", "type": "integer", "minimum": 0, "maximum": 5 },
            "b": {
                "description": "All.",
                "type": "object",
                "additionalProperties": false,
                "required": ["c", "g", "j"],
                "properties": {
                    "c": { "type": "string", "enum": ["", "x|y"] },
                    "d": { "description": "Some.", "type": "array", "items": { "type": "object" } },
                    "g": { "type": "object", "additionalProperties": { "type": "string" } },
                    "j": { "type": "object" },
                },
            },
            "l": { "type": "boolean" },
        },
    });
    assert_eq!(made, wanted);
}

#[test]
fn what_is_annotated_wrongly_is_an_error_with_its_name() {
    for (values, why) in [
        ("# @schema { optional: 1 }\na: 1\n", "a: optional is true or false, not 1"),
        ("# @schema { minimum: 1 }\n\na: 1\n", "@schema of nothing: {\"minimum\":1}"),
        ("# @schema [1]\na: 1\n", "# @schema [1]"),
        ("a:\n", "a: a value without a default has no type"),
    ] {
        let error = format!("{:#}", schema(values).unwrap_err());
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_chart_without_values_accepts_none() {
    let made: Value = serde_json::from_str(&schema("# None.\n{}\n").unwrap()).unwrap();
    assert_eq!(made["properties"], json!({ "global": { "type": "object" } }));
    assert_eq!(made["additionalProperties"], false);
}

#[test]
fn the_charts_schema_is_one_and_takes_the_defaults() {
    let values = std::fs::read_to_string(crate::harness::workspace::chart().join("values.yaml")).unwrap();
    let made: Value = serde_json::from_str(&schema(&values).unwrap()).unwrap();
    assert!(jsonschema::meta::is_valid(&made));
    let validator = jsonschema::draft7::new(&made).unwrap();
    let defaults: Value = serde_saphyr::from_str(&values).unwrap();
    assert!(validator.is_valid(&defaults));
}
