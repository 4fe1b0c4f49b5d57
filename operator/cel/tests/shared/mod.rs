//! How an outcome is written, by the oracle and here.

use serde::Deserialize;
use serde_json::Value as Json;
use snc_cel::{Activation, Budget, Env, Value};

#[derive(Deserialize)]
pub struct Corpus {
    pub object: Json,
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
pub struct Case {
    pub id: String,
    pub expression: String,
    pub outcome: String,
    /// Why the API server's outcome is another.
    pub explained: Option<String>,
}

pub fn corpus() -> Result<Corpus, Box<dyn std::error::Error>> {
    Ok(serde_saphyr::from_str(include_str!("../parity.yaml"))?)
}

pub fn environment() -> Env {
    Env::new(&["object", "oldObject", "params", "request", "namespaceObject"])
}

/// The outcome and what it cost.
pub fn answer(expression: &str, object: &Json) -> (String, u64) {
    let env = environment();
    let program = match env.compile(expression) {
        Ok(program) => program,
        Err(error) => return (format!("refused: {}", error.message), 0),
    };
    let (nothing, empty) = (Json::Null, Json::Object(serde_json::Map::new()));
    let mut activation = Activation::new(&env);
    for name in ["oldObject", "params", "namespaceObject"] {
        activation.bind(name, &nothing);
    }
    activation.bind("object", object);
    activation.bind("request", &empty);
    let (outcome, cost) = program.measured(&activation, &mut Budget::new());
    match outcome {
        Ok(value) => (show(&value), cost),
        Err(error) => (format!("error: {error}"), cost),
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// As Go writes a double.
fn double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

pub fn show(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("bool({value})"),
        Value::Int(value) => format!("int({value})"),
        Value::Uint(value) => format!("uint({value})"),
        Value::Double(value) => format!("double({})", double(*value)),
        Value::String(text) => format!("string({})", &**text),
        Value::Bytes(bytes) => {
            format!("bytes({})", joined(bytes.iter().map(|byte| format!("{byte:02x}"))).replace(", ", ""))
        }
        Value::Duration(nanoseconds) => format!("duration({nanoseconds})"),
        Value::Timestamp(time) => format!("timestamp({time})"),
        Value::List(list) => format!("list({})", joined(list.iter().map(|element| show(&element)))),
        Value::Map(map) => {
            let mut entries: Vec<String> =
                map.entries().iter().map(|(key, value)| format!("{}: {}", show(key), show(value))).collect();
            entries.sort();
            format!("map({})", entries.join(", "))
        }
        Value::Optional(Some(value)) => format!("optional({})", show(value)),
        Value::Optional(None) => "optional()".to_owned(),
        Value::Type(name) => format!("type({name})"),
        other => other.type_name().to_owned(),
    }
}
