//! Text that others wrote must not drive the reader's terminal, nor look like something else.

/// One line of it: line breaks and tabs become spaces, whatever else is invisible is shown by its number.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if acts(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// The same, with line breaks kept.
pub fn lines(text: &str) -> String {
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Controls (C0 and C1), and the characters that reorder or hide what stands beside them.
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_is_left() {
        let hostile = "a\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J\u{202e}txt\u{200b}\r\nb\tc\u{7f}";
        let cleaned = line(hostile);
        assert!(!cleaned.chars().any(acts), "{cleaned:?}");
        assert_eq!(line("a\u{1b}[31mb"), "a\\u{1b}[31mb");
    }

    #[test]
    fn ordinary_text_of_any_language_stays() {
        for text in ["é à ç œ", "日本語", "👩\u{fe0f}", "a|b"] {
            assert_eq!(line(text), text);
        }
        assert_eq!(lines("a\nb\u{1b}"), "a\nb\\u{1b}");
    }
}
