//! How deep an expression is, before it is parsed: what follows is recursive, and must not run out of stack. The API
//! server refuses what is deeper than 250.

use crate::error::Refusal;

const DEEPEST: usize = 128;

#[derive(Clone, Copy, Default)]
struct Level {
    /// Operators and steps that nest to the left; `&&` and `||` are balanced, so they start anew.
    chain: usize,
    choices: usize,
}

pub fn check(source: &str) -> Result<(), Refusal> {
    let mut levels = vec![Level::default()];
    let mut rest = source;
    while let Some(character) = rest.chars().next() {
        let offset = source.len() - rest.len();
        if let Some(after) = skipped(rest) {
            rest = after;
            continue;
        }
        rest = &rest[character.len_utf8()..];
        let own = levels.len() - 1;
        match character {
            '(' | '[' | '{' => {
                levels[own].chain += 1;
                levels.push(Level::default());
            }
            ')' | ']' | '}' if own > 0 => {
                levels.pop();
            }
            ',' => levels[own] = Level::default(),
            '&' | '|' => levels[own].chain = 0,
            '?' => levels[own].choices += 1,
            '+' | '-' | '*' | '/' | '%' | '.' | '<' | '>' | '=' | '!' => levels[own].chain += 1,
            // As `in` does.
            ' ' if rest.starts_with("in ") || rest.starts_with("in\n") => levels[own].chain += 1,
            _ => {}
        }
        // Each of `==` and its like was counted twice; that many are not missed.
        if levels.iter().map(|level| level.chain + level.choices).sum::<usize>() > DEEPEST {
            return Err(Refusal::new(offset, format!("the expression is nested deeper than {DEEPEST}")));
        }
    }
    Ok(())
}

/// After a text or a comment, if one starts here.
fn skipped(rest: &str) -> Option<&str> {
    if let Some(comment) = rest.strip_prefix("//") {
        return Some(comment.find('\n').map_or("", |at| &comment[at..]));
    }
    let prefix = rest.bytes().take(3).position(|byte| matches!(byte, b'"' | b'\''))?;
    let (letters, quoted) = rest.split_at_checked(prefix)?;
    if !letters.bytes().all(|byte| b"rRbB".contains(&byte)) {
        return None;
    }
    let raw = letters.contains(['r', 'R']);
    let mark = &quoted[..1];
    let triple = mark.repeat(3);
    let end = if quoted.starts_with(&triple) { triple.as_str() } else { mark };
    let mut inner = &quoted[end.len()..];
    while !inner.is_empty() {
        if let Some(after) = inner.strip_prefix(end) {
            return Some(after);
        }
        let mut characters = inner.chars();
        if characters.next() == Some('\\') && !raw {
            characters.next();
        }
        inner = characters.as_str();
    }
    Some("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nests_is_counted_and_what_does_not_is_not() {
        for deep in [
            vec!["1"; 400].join("+"),
            format!("{}1{}", "(".repeat(400), ")".repeat(400)),
            format!("a{}", ".b".repeat(400)),
            format!("a{}", "[0]".repeat(400)),
            format!("{}1", "true?1:".repeat(400)),
            format!("{}1", "true&&true?1:".repeat(400)),
            format!("a{}", ".map(x, x)".repeat(400)),
            format!("{}true", "!".repeat(400)),
            vec!["a"; 400].join(" in "),
        ] {
            assert!(check(&deep).is_err(), "{deep}");
        }
        for flat in [
            vec!["object.a.b == 1"; 4000].join(" && "),
            format!("[{}]", vec!["a.b"; 4000].join(", ")),
            format!("'{}'", "(".repeat(4000)),
            format!(r#""""{}""""#, ".\"".repeat(4000)),
            format!("r'{}\\'", "(".repeat(4000)),
            format!("true // {}\n", "(".repeat(4000)),
            vec!["a.exists(x, x.b in ['c'])"; 1000].join(" || "),
        ] {
            assert!(check(&flat).is_ok(), "{flat}");
        }
    }
}
