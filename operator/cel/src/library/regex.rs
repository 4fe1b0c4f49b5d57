//! Patterns: RE2's, which is what Go takes, by a library that takes more and means something else by `\d`.

use crate::error::{EvalError, failed};
use crate::library::unsuited;
use crate::tree::MatchKind;
use crate::value::{Text, Value};
use regex::Regex;
use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassPerl, ClassPerlKind, ClassSetItem, ClassUnicode, ClassUnicodeKind, Flag,
    FlagsItemKind, GroupKind, HexLiteralKind, LiteralKind, RepetitionKind, RepetitionRange, Span, Visitor,
};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

mod dialect;

/// How many patterns that are not literals are kept.
const KEPT: usize = 64;
/// What RE2 repeats at most.
const MOST_REPEATED: u32 = 1000;

pub fn compile(original: &str) -> Result<Regex, String> {
    let literal = dialect::literals(original);
    let pattern = literal.as_str();
    let tree = ast::parse::Parser::new()
        .parse(pattern)
        .map_err(|error| refused(original, &error.kind().to_string()))?;
    let rewrites = ast::visit(&tree, Dialect::default()).map_err(|text| refused(original, &text))?;
    let mut text = String::with_capacity(pattern.len() + 16);
    let mut from = 0;
    for (span, instead) in rewrites {
        text.push_str(pattern.get(from..span.start.offset).unwrap_or_default());
        text.push_str(instead);
        from = span.end.offset;
    }
    text.push_str(pattern.get(from..).unwrap_or_default());
    Regex::new(&text).map_err(|error| refused(original, &error.to_string()))
}

fn refused(pattern: &str, why: &str) -> String {
    format!("error parsing regexp: {why}: `{pattern}`")
}

pub fn cached(
    kept: &RefCell<HashMap<String, Arc<Regex>>>,
    pattern: &Value<'_>,
) -> Result<Arc<Regex>, EvalError> {
    let Value::String(pattern) = pattern else { return unsuited() };
    if let Some(compiled) = kept.borrow().get(&**pattern) {
        return Ok(compiled.clone());
    }
    let compiled = Arc::new(compile(pattern).map_err(EvalError::Failed)?);
    let mut kept = kept.borrow_mut();
    if kept.len() >= KEPT {
        kept.clear();
    }
    kept.insert(pattern.to_string(), compiled.clone());
    Ok(compiled)
}

pub fn apply<'a>(
    kind: MatchKind,
    text: &Text<'a>,
    pattern: &Regex,
    limit: Option<&Value<'_>>,
) -> Result<Value<'a>, EvalError> {
    let limit = match limit {
        None => usize::MAX,
        Some(Value::Int(limit)) => usize::try_from(*limit).unwrap_or(usize::MAX),
        Some(_) => return failed("no such overload"),
    };
    let part = |found: regex::Match<'_>| match text {
        Text::Borrowed(text) => Value::String(Text::Borrowed(text.get(found.range()).unwrap_or_default())),
        Text::Shared(text) => Value::text(text.get(found.range()).unwrap_or_default()),
    };
    Ok(match kind {
        MatchKind::Matches => Value::Bool(pattern.is_match(text)),
        MatchKind::Find => pattern.find(text).map_or_else(|| Value::text(""), part),
        MatchKind::FindAll => Value::list(found_all(pattern, text, limit).into_iter().map(part).collect()),
    })
}

/// Go does not give an empty match that touches the one before it.
fn found_all<'t>(pattern: &Regex, text: &'t str, limit: usize) -> Vec<regex::Match<'t>> {
    pattern.find_iter(text).take(limit).collect()
}

/// Refuses what RE2 does not take, and notes what to write instead of what it means otherwise.
#[derive(Default)]
struct Dialect {
    rewrites: Vec<(Span, &'static str)>,
    /// What the repetitions around multiply to.
    repeated: Vec<u32>,
}

impl Dialect {
    fn perl(&mut self, class: &ClassPerl) {
        let instead = match (&class.kind, class.negated) {
            (ClassPerlKind::Digit, false) => "[0-9]",
            (ClassPerlKind::Digit, true) => "[^0-9]",
            (ClassPerlKind::Space, false) => "[\\t\\n\\f\\r ]",
            (ClassPerlKind::Space, true) => "[^\\t\\n\\f\\r ]",
            (ClassPerlKind::Word, false) => "[0-9A-Za-z_]",
            (ClassPerlKind::Word, true) => "[^0-9A-Za-z_]",
        };
        self.rewrites.push((class.span, instead));
    }

    fn repetition(&mut self, repetition: &ast::Repetition) -> Result<(), String> {
        if matches!(*repetition.ast, Ast::Repetition(_)) {
            return Err("invalid nested repetition operator".to_owned());
        }
        let most = match &repetition.op.kind {
            RepetitionKind::Range(
                RepetitionRange::Exactly(most)
                | RepetitionRange::AtLeast(most)
                | RepetitionRange::Bounded(_, most),
            ) => *most,
            _ => 1,
        };
        let around = self.repeated.last().copied().unwrap_or(1);
        let product = around.saturating_mul(most.max(1));
        if most > MOST_REPEATED || product > MOST_REPEATED {
            return Err("invalid repeat count".to_owned());
        }
        self.repeated.push(product);
        Ok(())
    }
}

impl Visitor for Dialect {
    type Output = Vec<(Span, &'static str)>;
    type Err = String;

    fn finish(mut self) -> Result<Self::Output, String> {
        self.rewrites.sort_by_key(|(span, _)| span.start.offset);
        Ok(self.rewrites)
    }

    fn visit_pre(&mut self, tree: &Ast) -> Result<(), String> {
        match tree {
            Ast::Flags(set) => flags(&set.flags),
            Ast::Literal(literal) => written(literal),
            Ast::Group(group) => match &group.kind {
                GroupKind::NonCapturing(set) => flags(set),
                _ => Ok(()),
            },
            Ast::ClassPerl(class) => {
                self.perl(class);
                Ok(())
            }
            Ast::ClassUnicode(class) => unicode(class),
            Ast::Repetition(repetition) => self.repetition(repetition),
            Ast::Assertion(assertion) => match assertion.kind {
                AssertionKind::WordBoundary => {
                    self.rewrites.push((assertion.span, "(?-u:\\b)"));
                    Ok(())
                }
                AssertionKind::StartLine
                | AssertionKind::EndLine
                | AssertionKind::StartText
                | AssertionKind::EndText => Ok(()),
                _ => Err("an assertion that is not supported here".to_owned()),
            },
            _ => Ok(()),
        }
    }

    fn visit_post(&mut self, tree: &Ast) -> Result<(), String> {
        if matches!(tree, Ast::Repetition(_)) {
            self.repeated.pop();
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), String> {
        match item {
            ClassSetItem::Perl(class) => {
                self.perl(class);
                Ok(())
            }
            ClassSetItem::Unicode(class) => unicode(class),
            ClassSetItem::Literal(literal) => written(literal),
            ClassSetItem::Range(range) => written(&range.start).and_then(|()| written(&range.end)),
            ClassSetItem::Bracketed(_) => Err("a class within a class".to_owned()),
            _ => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ast::ClassSetBinaryOp) -> Result<(), String> {
        Err("an operation on classes".to_owned())
    }
}

/// `\u0041` is no escape there.
fn written(literal: &ast::Literal) -> Result<(), String> {
    match literal.kind {
        LiteralKind::HexFixed(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong)
        | LiteralKind::HexBrace(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong) => {
            Err("invalid escape sequence".to_owned())
        }
        _ => Ok(()),
    }
}

fn flags(set: &ast::Flags) -> Result<(), String> {
    let known = |item: &ast::FlagsItem| match item.kind {
        FlagsItemKind::Negation => true,
        FlagsItemKind::Flag(flag) => matches!(
            flag,
            Flag::CaseInsensitive | Flag::MultiLine | Flag::DotMatchesNewLine | Flag::SwapGreed
        ),
    };
    if set.items.iter().all(known) { Ok(()) } else { Err("invalid or unsupported Perl syntax".to_owned()) }
}

/// General categories, and the scripts that are met.
const CLASSES: &[&str] = &[
    "Any",
    "Arabic",
    "Armenian",
    "C",
    "Cc",
    "Cf",
    "Co",
    "Cyrillic",
    "Devanagari",
    "Georgian",
    "Greek",
    "Han",
    "Hangul",
    "Hebrew",
    "Hiragana",
    "Katakana",
    "L",
    "Latin",
    "Ll",
    "Lm",
    "Lo",
    "Lt",
    "Lu",
    "M",
    "Mc",
    "Me",
    "Mn",
    "N",
    "Nd",
    "Nl",
    "No",
    "P",
    "Pc",
    "Pd",
    "Pe",
    "Pf",
    "Pi",
    "Po",
    "Ps",
    "S",
    "Sc",
    "Sk",
    "Sm",
    "So",
    "Thai",
    "Z",
    "Zl",
    "Zp",
    "Zs",
];

fn unicode(class: &ClassUnicode) -> Result<(), String> {
    let known = match &class.kind {
        ClassUnicodeKind::OneLetter(letter) => CLASSES.contains(&letter.to_string().as_str()),
        ClassUnicodeKind::Named(name) => CLASSES.contains(&name.as_str()),
        ClassUnicodeKind::NamedValue { .. } => false,
    };
    if known { Ok(()) } else { Err("invalid character class range".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_re2_does_not_take_is_refused() {
        for pattern in [
            "[a--b]",
            "(?x)a b",
            "(?u)a",
            r"\<a",
            r"\u0041",
            r"[\U00000041]",
            "a**",
            "a{1001}",
            "(?:a{100}){100}",
            r"\p{Alphabetic}",
            r"\p{sc=Greek}",
            "(?=a)",
            r"(a)\1",
            "a++",
        ] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn classes_are_of_ascii() {
        let matches = |pattern: &str, text: &str| compile(pattern).unwrap().is_match(text);
        assert!(matches(r"^\d+$", "12"));
        assert!(!matches(r"^\d+$", "١٢"));
        assert!(!matches(r"^\w+$", "é"));
        assert!(matches(r"^[\w-]+$", "a-b"));
        assert!(matches(r"^[^\d\s]+$", "é"));
        assert!(matches(r"\bb\b", "a b c"));
        assert!(matches(r"^\pL+$", "é"));
    }
}
