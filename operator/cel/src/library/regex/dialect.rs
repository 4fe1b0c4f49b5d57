//! What RE2 takes literally and the library here does not.

/// With `{` of no repetition, `[` within a class, and what is between `\Q` and `\E` escaped.
pub fn literals(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut class = false;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        rest = match character {
            '\\' => escape(rest, class, &mut out),
            '[' if class => within(rest, &mut out),
            '[' => {
                class = true;
                opened(after, &mut out)
            }
            ']' if class => {
                class = false;
                out.push(']');
                after
            }
            '&' | '~' if class => {
                out.push('\\');
                out.push(character);
                after
            }
            '{' if !class && !is_repetition(rest) => {
                out.push_str("\\{");
                after
            }
            other => {
                out.push(other);
                after
            }
        };
    }
    out
}

/// A class is opened; a bracket that comes first does not close it.
fn opened<'p>(after: &'p str, out: &mut String) -> &'p str {
    out.push('[');
    let mut rest = after;
    if let Some(after) = rest.strip_prefix('^') {
        out.push('^');
        rest = after;
    }
    if let Some(after) = rest.strip_prefix(']') {
        out.push_str("\\]");
        rest = after;
    }
    rest
}

/// A bracket within a class: of a named one, or itself.
fn within<'p>(rest: &'p str, out: &mut String) -> &'p str {
    if let Some(inner) = rest.strip_prefix("[:")
        && let Some(end) = inner.find(":]")
        && inner[..end].trim_start_matches('^').bytes().all(|byte| byte.is_ascii_lowercase())
    {
        let (named, after) = rest.split_at(end + 4);
        out.push_str(named);
        return after;
    }
    out.push_str("\\[");
    &rest[1..]
}

fn escape<'p>(rest: &'p str, class: bool, out: &mut String) -> &'p str {
    if !class && let Some(quoted) = rest.strip_prefix("\\Q") {
        let (literal, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
        out.push_str(&regex_syntax::escape(literal));
        return after;
    }
    let end = rest.char_indices().nth(2).map_or(rest.len(), |(at, _)| at);
    let (pair, after) = rest.split_at(end);
    out.push_str(pair);
    // Braces that belong to the escape: `\p{Greek}`, `\x{10FFFF}`.
    if matches!(pair, "\\p" | "\\P" | "\\x")
        && after.starts_with('{')
        && let Some(end) = after.find('}')
    {
        let (name, after) = after.split_at(end + 1);
        out.push_str(name);
        return after;
    }
    after
}

fn is_repetition(rest: &str) -> bool {
    let Some((inner, _)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match inner.split_once(',') {
        Some((least, most)) => digits(least) && (most.is_empty() || digits(most)),
        None => digits(inner),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_literal_is_escaped() {
        for (pattern, wanted) in [
            (r"a{2,3}b{,3}", r"a{2,3}b\{,3}"),
            (r#"{"a":1}"#, r#"\{"a":1}"#),
            (r"[[]a]", r"[\[]a]"),
            (r"[]a]", r"[\]a]"),
            (r"[^]a&&b]", r"[^\]a\&\&b]"),
            (r"[[:alpha:]_]", r"[[:alpha:]_]"),
            (r"\Qa.b\E.", r"a\.b."),
            (r"\p{Greek}\{", r"\p{Greek}\{"),
            (r"[\]a]", r"[\]a]"),
        ] {
            assert_eq!(literals(pattern), wanted, "{pattern}");
        }
    }
}
