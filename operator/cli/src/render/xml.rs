//! What others wrote, as text of XML.

use super::clean;

/// Text of XML. What XML cannot hold, such as control characters, is shown by its number before.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean::line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Not characters at all, for XML.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_markup_comes_out_of_names() {
        assert_eq!(
            escape("</text><script>\"'&\u{1b}\u{ffff}"),
            "&lt;/text&gt;&lt;script&gt;&quot;&#39;&amp;\\u{1b}\u{fffd}"
        );
    }
}
