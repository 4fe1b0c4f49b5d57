use serde::Serialize;

/// The serializer quotes and escapes control characters by itself.
pub fn yaml<T: Serialize>(model: &T) -> anyhow::Result<String> {
    // By way of JSON, so that names and shapes are the same in both.
    let mut text = serde_saphyr::to_string(&serde_json::to_value(model)?)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn odd_strings_read_back_and_do_not_act() {
        let odd =
            ["\u{1b}[2J", "a\n\u{1b}b\n", "\u{9b}1m", "yes", "1", "- x", "a: b # c", "null", "日本", ""];
        let model = json!({ "list": odd });
        let text = yaml(&model).unwrap();
        assert!(!text.chars().any(|c| c != '\n' && c.is_control()), "{text:?}");
        assert_eq!(serde_saphyr::from_str::<Value>(&text).unwrap(), model);
    }
}
