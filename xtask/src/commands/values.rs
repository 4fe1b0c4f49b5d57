//! The chart's values.yaml, of which its schema and the page about it are made. A value's type is that of its default, what
//! else it accepts is in `# @schema` above it (JSON Schema, as a YAML mapping in one line), and the rest of the comment says
//! what it is for.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};
use std::fmt::Write;

pub(super) const PAGE: &str = "docs/values.md";
const HEAD: &str = "<!-- From charts/snc-operator/values.yaml (`cargo xtask generate`): edits are lost. -->
# Values of the chart

What is not accepted is refused by `helm` before anything is written.

| value | default | accepted | what |
|---|---|---|---|
";
const MARK: &str = "@schema";
/// Not of JSON Schema: the value may be taken away.
const OPTIONAL: &str = "optional";
/// helm adds it where the chart is a part of another.
const GLOBAL: &str = "global";

struct Entry {
    keys: Vec<String>,
    default: Value,
    said: String,
    schema: Map<String, Value>,
    optional: bool,
}

impl Entry {
    fn new(keys: Vec<String>, default: Value, said: String, asked: Map<String, Value>) -> Result<Self> {
        let name = keys.join(".");
        let mut asked = asked;
        let optional = match asked.remove(OPTIONAL) {
            None => false,
            Some(Value::Bool(optional)) => optional,
            Some(other) => bail!("{name}: {OPTIONAL} is true or false, not {other}"),
        };
        let mut schema = Map::new();
        if !said.is_empty() {
            schema.insert("description".to_owned(), json!(said));
        }
        if !asked.contains_key("type") {
            schema.insert("type".to_owned(), json!(of_default(&default).with_context(|| name.clone())?));
            if inner(&default) && !asked.contains_key("additionalProperties") {
                schema.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        schema.extend(asked);
        Ok(Self { keys, default, said, schema, optional })
    }

    /// What is in it has entries of its own.
    fn inner(&self) -> bool {
        inner(&self.default) && self.schema.get("additionalProperties") == Some(&json!(false))
    }
}

fn inner(default: &Value) -> bool {
    default.as_object().is_some_and(|object| !object.is_empty())
}

fn of_default(default: &Value) -> Result<&'static str> {
    Ok(match default {
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Null => bail!("a value without a default has no type"),
    })
}

/// In the order of the file.
fn entries(values: &str) -> Result<Vec<Entry>> {
    let defaults: Value = serde_saphyr::from_str(values).context("values.yaml")?;
    let mut entries = Vec::new();
    if defaults == json!({}) {
        return Ok(entries);
    }
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    let mut asked = Map::new();
    // Deeper lines belong to a value that is one entry.
    let mut within: Option<usize> = None;
    for line in values.lines() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if !text.is_empty() && within.is_some_and(|outer| indent > outer || text.starts_with('-')) {
            continue;
        }
        if let Some(said) = text.strip_prefix('#').map(str::trim) {
            match said.strip_prefix(MARK) {
                Some(schema) => asked = serde_saphyr::from_str(schema).with_context(|| line.to_owned())?,
                None => comment.push(said),
            }
            continue;
        }
        if text.is_empty() {
            if !asked.is_empty() {
                bail!("{MARK} of nothing: {}", Value::Object(asked));
            }
            comment.clear();
            continue;
        }
        let (key, _) = text.split_once(':').with_context(|| format!("not a key: {line}"))?;
        path.retain(|(outer, _)| *outer < indent);
        path.push((indent, key.to_owned()));
        let keys: Vec<String> = path.iter().map(|(_, key)| key.clone()).collect();
        let default = keys.iter().fold(&defaults, |value, key| &value[key]).clone();
        let entry = Entry::new(keys, default, comment.join(" "), std::mem::take(&mut asked))?;
        within = (!entry.inner()).then_some(indent);
        comment.clear();
        entries.push(entry);
    }
    Ok(entries)
}

/// What helm refuses values by.
pub(super) fn schema(values: &str) -> Result<String> {
    let mut root = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "additionalProperties": false,
        "properties": { GLOBAL: { "type": "object" } },
    });
    for entry in entries(values)? {
        let name = entry.keys.join(".");
        let (key, outer) = entry.keys.split_last().context("no key")?;
        let outer = outer.iter().fold(&mut root, |schema, key| &mut schema["properties"][key]);
        outer["properties"][key] = Value::Object(entry.schema);
        if !entry.optional {
            if outer["required"].is_null() {
                outer["required"] = json!([]);
            }
            outer["required"].as_array_mut().with_context(|| name)?.push(json!(key));
        }
    }
    Ok(format!("{}\n", serde_json::to_string_pretty(&root)?))
}

/// One row for each value.
pub(super) fn page(values: &str) -> Result<String> {
    let mut page = HEAD.to_owned();
    for entry in entries(values)? {
        let cell = |text: String| text.replace('|', "\\|");
        let (name, said) = (entry.keys.join("."), cell(entry.said.clone()));
        if entry.inner() {
            writeln!(page, "| `{name}` |  |  | {said} |")?;
        } else {
            let default = cell(format!("`{}`", entry.default));
            writeln!(page, "| `{name}` | {default} | {} | {said} |", cell(accepted(&entry.schema)))?;
        }
    }
    Ok(page)
}

fn accepted(schema: &Map<String, Value>) -> String {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    }
    let range = match (schema.get("minimum"), schema.get("maximum")) {
        (Some(least), Some(most)) => format!(" {least} to {most}"),
        (Some(least), None) => format!(" from {least}"),
        _ => String::new(),
    };
    let text = |key: &str| schema.get(key).and_then(Value::as_str);
    let pattern = text("pattern").map(|pattern| format!(" `{pattern}`")).unwrap_or_default();
    format!("{}{range}{pattern}", text("type").unwrap_or_default())
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
