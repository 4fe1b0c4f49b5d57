use super::clean::acts;
use serde::Serialize;
use std::fmt::Write;

/// The serializer quotes and escapes control characters by itself.
pub fn yaml<T: Serialize>(model: &T) -> anyhow::Result<String> {
    // By way of JSON, so that names and shapes are the same in both.
    let value = serde_json::to_value(model)?;
    let mut text = serde_saphyr::to_string(&value)?;
    if text.chars().any(|c| c != '\n' && acts(c)) {
        text = in_flow_style(&serde_json::to_string_pretty(&value)?)?;
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// JSON is YAML in which every string is quoted, so that what hides or reorders text can be escaped.
fn in_flow_style(json: &str) -> anyhow::Result<String> {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && acts(c) {
            write!(out, "\\U{:08x}", u32::from(c))?;
        } else {
            out.push(c);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn odd_strings_read_back_and_do_not_act() {
        let odd =
            ["\u{1b}[2J", "a\n\u{1b}b\n", "\u{9b}1m", "yes", "1", "- x", "a: b # c", "null", "日本", ""];
        let hidden = ["\u{202e}txt", "\u{e0041}", "\u{200b}"];
        for text in [yaml(&odd).unwrap(), yaml(&hidden).unwrap()] {
            assert!(!text.chars().any(|c| c != '\n' && acts(c)), "{text:?}");
        }
        let shown = yaml(&hidden).unwrap();
        assert_eq!(serde_saphyr::from_str::<Vec<String>>(&shown).unwrap(), hidden);
        let model = json!({ "list": odd });
        let text = yaml(&model).unwrap();
        assert!(!text.chars().any(|c| c != '\n' && c.is_control()), "{text:?}");
        assert_eq!(serde_saphyr::from_str::<Value>(&text).unwrap(), model);
    }
}
