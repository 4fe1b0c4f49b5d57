use super::clean::acts;
use serde::Serialize;
use std::fmt::Write;

/// Characters that act on a terminal can only stand within strings, where an escape means the same to a reader
/// of JSON.
pub fn json<T: Serialize>(model: &T) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(model)?;
    let mut out = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if c != '\n' && acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
        } else {
            out.push(c);
        }
    }
    out.push('\n');
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_escaped_and_reads_back() {
        let text = "\u{1b}[2J\u{9b}1m\u{202e}é\u{e0041}\n";
        let shown = json(&[text]).unwrap();
        assert!(!shown.chars().any(|c| c != '\n' && acts(c)), "{shown:?}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&shown).unwrap(), [text]);
    }
}
