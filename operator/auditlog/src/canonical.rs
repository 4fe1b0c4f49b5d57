//! One text for one content, so that what is signed does not depend on who wrote it down: members in the order of
//! their names, no white space. All numbers of this crate's objects are whole.

use crate::error::Error;
use serde::Serialize;
use serde_json::{Map, Value};

pub(crate) fn bytes(value: &impl Serialize, without: &[&str]) -> Result<Vec<u8>, Error> {
    let mut value = serde_json::to_value(value).map_err(Error::encoding)?;
    if let Value::Object(members) = &mut value {
        members.retain(|name, _| !without.contains(&name.as_str()));
    }
    let mut out = Vec::with_capacity(1024);
    write(&value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), Error> {
    match value {
        Value::Object(members) => object(members, out),
        Value::Array(items) => {
            let mut open = b'[';
            for item in items {
                out.push(std::mem::replace(&mut open, b','));
                write(item, out)?;
            }
            out.extend_from_slice(if open == b'[' { b"[]" } else { b"]" });
            Ok(())
        }
        plain => serde_json::to_writer(out, plain).map_err(Error::encoding),
    }
}

/// Sorted here, whatever order the map of `serde_json` has: a feature of it that another crate asks for changes that.
fn object(members: &Map<String, Value>, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    let mut open = b'{';
    for (name, value) in sorted {
        out.push(std::mem::replace(&mut open, b','));
        serde_json::to_writer(&mut *out, name).map_err(Error::encoding)?;
        out.push(b':');
        write(value, out)?;
    }
    out.extend_from_slice(if open == b'{' { b"{}" } else { b"}" });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_sorted_at_every_depth() {
        let value = json!({"b": {"z": [], "a": {}}, "a": [1, {"d": "é\"", "c": null}], "signature": "x"});
        let text = String::from_utf8(bytes(&value, &["signature"]).unwrap()).unwrap();
        assert_eq!(text, r#"{"a":[1,{"c":null,"d":"é\""}],"b":{"a":{},"z":[]}}"#);
    }
}
