//! docs/values.md: the chart's values as their file and their schema say them.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fmt::Write;

pub(super) const PAGE: &str = "docs/values.md";
const HEAD: &str = "<!-- From charts/snc-operator/values.yaml and values.schema.json (`cargo xtask generate`): edits are lost. -->
# Values of the chart

What is not accepted is refused by `helm` before anything is written.

| value | default | accepted | what |
|---|---|---|---|
";

/// One row for each value, in the order of the file. A value that the schema does not know is an error.
pub(super) fn page(values: &str, schema: &str) -> Result<String> {
    let defaults: Value = serde_saphyr::from_str(values).context("values.yaml")?;
    let schema: Value = serde_json::from_str(schema).context("values.schema.json")?;
    let mut page = HEAD.to_owned();
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut comment = String::new();
    // Deeper lines belong to a value that is shown whole.
    let mut within: Option<usize> = None;
    for line in values.lines() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if !text.is_empty() && within.is_some_and(|outer| indent > outer || text.starts_with('-')) {
            continue;
        }
        if let Some(said) = text.strip_prefix('#') {
            if !comment.is_empty() {
                comment.push(' ');
            }
            comment.push_str(said.trim());
            continue;
        }
        if text.is_empty() {
            comment.clear();
            continue;
        }
        within = None;
        let (key, _) = text.split_once(':').with_context(|| format!("not a key: {line}"))?;
        path.retain(|(outer, _)| *outer < indent);
        path.push((indent, key.to_owned()));
        let keys: Vec<&str> = path.iter().map(|(_, key)| key.as_str()).collect();
        let name = keys.join(".");
        let default = keys.iter().fold(&defaults, |value, key| &value[*key]);
        let known = keys.iter().fold(&schema, |schema, key| &schema["properties"][*key]);
        if known.is_null() {
            bail!("{name} is in values.yaml and not in values.schema.json");
        }
        let leaf = known["properties"].is_null();
        if leaf {
            within = Some(indent);
        }
        let shown = if leaf { format!("`{default}`") } else { String::new() };
        let (accepted, said) = (accepted(known).replace('|', "\\|"), comment.replace('|', "\\|"));
        writeln!(page, "| `{name}` | {} | {accepted} | {said} |", shown.replace('|', "\\|"))?;
        comment.clear();
    }
    Ok(page)
}

fn accepted(schema: &Value) -> String {
    let list =
        |values: &[Value]| values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    if let Some(values) = schema["enum"].as_array() {
        return list(values);
    }
    let range = match (&schema["minimum"], &schema["maximum"]) {
        (Value::Null, _) => String::new(),
        (least, most) => format!(" {least} to {most}"),
    };
    let pattern = schema["pattern"].as_str().map(|pattern| format!(" `{pattern}`")).unwrap_or_default();
    match schema["type"].as_str() {
        Some("object") if schema["properties"].is_object() => String::new(),
        Some(kind) => format!("{kind}{range}{pattern}"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{"properties": {
        "a": {"type": "integer", "minimum": 0, "maximum": 5},
        "b": {"type": "object", "properties": {"c": {"enum": ["", "x"]}, "d": {"type": "array"}}}}}"#;

    #[test]
    fn each_value_has_a_row_with_its_comment_and_what_is_accepted() {
        let values = "# How\n# many.\na: 2\n\n# All.\nb:\n  c: \"\"\n  # Some.\n  d:\n    # Not of d.\n    - e: 1\n      f: 2\n";
        let page = page(values, SCHEMA).unwrap();
        let rows: Vec<&str> = page.lines().skip(6).collect();
        assert_eq!(
            rows,
            [
                "|---|---|---|---|",
                "| `a` | `2` | integer 0 to 5 | How many. |",
                "| `b` |  |  | All. |",
                "| `b.c` | `\"\"` | `\"\"`, `\"x\"` |  |",
                "| `b.d` | `[{\"e\":1,\"f\":2}]` | array | Some. |",
            ]
        );
    }

    #[test]
    fn a_value_without_a_schema_is_an_error() {
        let error = page("a: 1\nz: 2\n", SCHEMA).unwrap_err().to_string();
        assert_eq!(error, "z is in values.yaml and not in values.schema.json");
    }
}
