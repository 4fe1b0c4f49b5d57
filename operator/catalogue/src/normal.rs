//! Objects as the API server would hold them, as far as that decides verdicts.

use serde_json::Value;

/// Takes out what is null in maps: the API server reads null as not written.
pub fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.values().any(Value::is_null) {
                map.retain(|_, inner| !inner.is_null());
            }
            map.values_mut().for_each(without_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(without_nulls),
        _ => {}
    }
}
