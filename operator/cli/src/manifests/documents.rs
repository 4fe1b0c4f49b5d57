//! The documents of a stream, each alone: one that is broken does not hide what is wrong with the others.

use super::tree::{Node, Tree};
use super::{Place, Unreadable};
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_saphyr::{RenderOptions, SnippetMode, UserMessageFormatter};
use snc_core::text::{Text, clip};

/// A document that holds something, with its place; `index` counts from 1 those that hold something.
pub struct Document {
    pub index: usize,
    pub root: Node,
}

struct Chunk<'a> {
    text: &'a str,
    /// Lines before it.
    before: u64,
}

/// Everything readable, and everything that is not.
pub fn documents(file: &str, text: &str) -> (Vec<Document>, Vec<Unreadable>) {
    let chunks = if is_json(text) { json_chunks(text) } else { yaml_chunks(text) };
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    let full = chunks.into_iter().filter(|chunk| holds_something(chunk.text));
    for (index, chunk) in full.enumerate().map(|(index, chunk)| (index + 1, chunk)) {
        match parse(&chunk) {
            Ok(root) if root.tree == Tree::Scalar(Value::Null) => {}
            Ok(root) => found.push(Document { index, root }),
            Err((line, what)) => {
                let place = Place { file: file.to_owned(), document: index, line, field: String::new() };
                wrong.push(Unreadable { place, what });
            }
        }
    }
    (found, wrong)
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// JSON values one after the other, as kubectl takes them; what cannot be split is left whole for the parser to
/// refuse.
fn json_chunks(text: &str) -> Vec<Chunk<'_>> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let mut ends = Vec::new();
    while let Some(value) = stream.next() {
        if value.is_err() {
            return yaml_chunks(text);
        }
        ends.push(stream.byte_offset());
    }
    let (mut chunks, mut start, mut before) = (Vec::new(), 0, 0);
    for end in ends {
        let part = &text[start..end];
        chunks.push(Chunk { text: part, before });
        before += newlines(part);
        start = end;
    }
    chunks
}

/// `---` at the beginning of a line always starts a document, whatever stands around it.
fn yaml_chunks(text: &str) -> Vec<Chunk<'_>> {
    let (mut chunks, mut start, mut before, mut lines, mut at) = (Vec::new(), 0, 0, 0, 0);
    for line in text.split_inclusive('\n') {
        if is_mark(line, "---") && at > start {
            chunks.push(Chunk { text: &text[start..at], before });
            (start, before) = (at, lines);
        }
        at += line.len();
        lines += 1;
        if is_mark(line, "...") {
            chunks.push(Chunk { text: &text[start..at], before });
            (start, before) = (at, lines);
        }
    }
    chunks.push(Chunk { text: &text[start..], before });
    chunks
}

fn is_mark(line: &str, mark: &str) -> bool {
    line.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn holds_something(chunk: &str) -> bool {
    chunk
        .lines()
        .map(|line| if is_mark(line, "---") { &line[3..] } else { line })
        .map(str::trim)
        .any(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with('%') && line != "...")
}

fn newlines(text: &str) -> u64 {
    text.bytes().filter(|byte| *byte == b'\n').count() as u64
}

fn options() -> serde_saphyr::Options {
    // Lists of a whole cluster are large; what multiplies aliases stays bounded.
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 50_000_000,
            max_nodes: 50_000_000,
            max_total_scalar_bytes: 1 << 30,
            max_total_comment_bytes: 1 << 30,
        },
        with_snippet: false,
        // `n` and `on` are names, as they are for kubectl where a text is expected.
        strict_booleans: true,
    }
}

/// One document as a value, and no places: much faster, and most documents need none.
pub fn value(text: &str, lines_before: u64) -> Result<Value, (u64, Text)> {
    serde_saphyr::from_str_with_options::<Value>(text, options())
        .or_else(|_| node(text, lines_before).map(|node| node.value()))
}

/// One document with its places.
pub fn node(text: &str, lines_before: u64) -> Result<Node, (u64, Text)> {
    parse(&Chunk { text, before: lines_before })
}

fn parse(chunk: &Chunk<'_>) -> Result<Node, (u64, Text)> {
    match serde_saphyr::from_str_with_options::<Node>(chunk.text, options()) {
        Ok(mut root) => {
            root.shift(chunk.before);
            Ok(root)
        }
        Err(error) => match serde_json::from_str::<Value>(chunk.text) {
            // Tabs indent JSON and not YAML.
            Ok(value) => {
                let leading = chunk.text.len() - chunk.text.trim_start().len();
                Ok(Node::of_json(value, chunk.before + newlines(&chunk.text[..leading]) + 1))
            }
            Err(json) if is_json(chunk.text) => {
                Err((chunk.before + json.line() as u64, said(&json.to_string())))
            }
            Err(_) => {
                let mut options = RenderOptions::default();
                options.formatter = &UserMessageFormatter;
                options.snippets = SnippetMode::Off;
                options.line_offset = chunk.before;
                let what = error.render_with_options(options);
                // The parser names the beginning of what the tab is part of, which may be lines above.
                if let Some(line) = indented_by_tab(chunk.text).filter(|_| what.contains("tab")) {
                    let spaces = "une tabulation indente cette ligne ; YAML ne connaît que les espaces";
                    let what = Text::new(spaces, "a tab indents this line; YAML knows spaces only");
                    return Err((chunk.before + line, what));
                }
                let line = error.location().map_or(0, |location| chunk.before + location.line());
                Err((line, said(&what)))
            }
        },
    }
}

/// What a parser says, in its one language.
fn said(what: &str) -> Text {
    let what = clip(what, 300);
    Text::new(what.clone(), what)
}

fn indented_by_tab(text: &str) -> Option<u64> {
    let by_tab = |line: &str| line.trim_start_matches(' ').starts_with('\t') && !line.trim().is_empty();
    text.lines().zip(1..).find(|(line, _)| by_tab(line)).map(|(_, number)| number)
}
