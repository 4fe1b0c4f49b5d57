//! Where a path of a finding stands in the text that was read.

use super::pieces::Piece;
use crate::manifests::documents;
use crate::manifests::tree::{Node, Tree};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spot {
    pub line: u64,
    pub column: u64,
}

/// A piece with the place of everything in it.
pub struct Places {
    root: Node,
    lines: u64,
    columns: u64,
}

impl Places {
    pub fn of(piece: &Piece) -> Option<Self> {
        let root = documents::node(&piece.text, piece.lines).ok()?;
        Some(Self { root, lines: piece.lines, columns: piece.columns })
    }

    /// Of the path below the item with that index of a list, or of what is nearest around it.
    pub fn spot(&self, item: Option<usize>, path: &str) -> Spot {
        let mut node = &self.root;
        if let Some(found) = item.and_then(|index| self.item(index)) {
            node = found;
        }
        for step in steps(path) {
            let Some(next) = below(node, &step) else { break };
            node = next;
        }
        // The first line of an item begins where the item does.
        let moved = if node.line == self.lines + 1 { self.columns } else { 0 };
        Spot { line: node.line, column: if node.column == 0 { 0 } else { node.column + moved } }
    }

    fn item(&self, index: usize) -> Option<&Node> {
        match &self.root.get("items")?.tree {
            Tree::List(items) => items.get(index),
            _ => None,
        }
    }
}

/// `a.b["c"].d[0]`, step by step; what is not a path ends it.
fn steps(path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix("[\"") {
            let Some((name, after)) = quoted.split_once("\"]") else { break };
            found.push(name.to_owned());
            rest = after;
        } else if let Some(number) = rest.strip_prefix('[') {
            let Some((number, after)) = number.split_once(']') else { break };
            found.push(number.to_owned());
            rest = after;
        } else {
            let bare = rest.strip_prefix('.').unwrap_or(rest);
            let end = bare.find(['.', '[']).unwrap_or(bare.len());
            if end == 0 {
                break;
            }
            found.push(bare[..end].to_owned());
            rest = &bare[end..];
        }
    }
    found
}

/// Items of a list are found by their name, or else by their number.
fn below<'a>(node: &'a Node, step: &str) -> Option<&'a Node> {
    match &node.tree {
        Tree::Map(_) => node.get(step),
        Tree::List(items) => items
            .iter()
            .find(|item| item.text("name") == Some(step))
            .or_else(|| items.get(step.parse::<usize>().ok()?)),
        Tree::Scalar(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(text: &str, piece: Piece, path: &str) -> (u64, u64) {
        let places = Places::of(&Piece { text: text.to_owned(), ..piece }).expect("readable");
        let spot = places.spot(None, path);
        (spot.line, spot.column)
    }

    #[test]
    fn paths_are_found_and_what_is_absent_is_where_it_would_be() {
        let text = "spec:\n  containers:\n    - name: a\n    - name: b\n      securityContext:\n        privileged: true\n";
        assert_eq!(
            spot(text, Piece::default(), "spec.containers[\"b\"].securityContext.privileged"),
            (6, 21)
        );
        assert_eq!(spot(text, Piece::default(), "spec.containers[\"a\"].securityContext.privileged").0, 3);
        assert_eq!(spot(text, Piece { lines: 10, ..Piece::default() }, "spec.containers[1].name"), (14, 13));
        assert_eq!(spot(text, Piece::default(), "what ever"), (1, 1));
    }

    #[test]
    fn an_item_of_json_begins_where_its_list_has_it() {
        let piece = Piece { lines: 4, columns: 7, json: true, ..Piece::default() };
        assert_eq!(spot("{\"a\": {\"b\": 1}}", piece, "a.b"), (5, 20));
    }
}
