//! Where a path of a finding stands in the text that was read.

mod plain;

use super::pieces::Piece;
use crate::manifests::documents;
use crate::manifests::tree::{Node, Tree};
use plain::Plain;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spot {
    pub line: u64,
    pub column: u64,
}

/// A piece with the place of everything in it.
pub struct Places<'p> {
    read: As<'p>,
    lines: u64,
    columns: u64,
}

enum As<'p> {
    Plain(Plain<'p>),
    Tree(Node),
}

impl<'p> Places<'p> {
    pub fn of(piece: &'p Piece) -> Option<Self> {
        let plain = if piece.json { Plain::of(&piece.text) } else { None };
        match plain {
            Some(plain) => Some(Self { read: As::Plain(plain), lines: piece.lines, columns: piece.columns }),
            None => Self::parsed(piece),
        }
    }

    fn parsed(piece: &Piece) -> Option<Self> {
        let root = documents::node(&piece.text, piece.lines).ok()?;
        Some(Self { read: As::Tree(root), lines: piece.lines, columns: piece.columns })
    }

    /// Of the path below the item with that index of a list, or of what is nearest around it.
    pub fn spot(&self, item: Option<usize>, path: &str) -> Spot {
        let steps = steps(path);
        let (line, column) = match &self.read {
            As::Tree(root) => Self::in_tree(root, item, &steps),
            As::Plain(text) => {
                let (lines, columns) = text.place(item, &steps).unwrap_or_default();
                (self.lines + lines + 1, columns + 1)
            }
        };
        // The first line of an item begins where the item does.
        let moved = if line == self.lines + 1 { self.columns } else { 0 };
        Spot { line, column: if column == 0 { 0 } else { column + moved } }
    }

    fn in_tree(root: &Node, item: Option<usize>, steps: &[String]) -> (u64, u64) {
        let items = || match &root.get("items")?.tree {
            Tree::List(items) => Some(items),
            _ => None,
        };
        let mut node = item.and_then(|index| items()?.get(index)).unwrap_or(root);
        for step in steps {
            let Some(next) = below(node, step) else { break };
            node = next;
        }
        (node.line, node.column)
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
    use proptest::prelude::*;
    use serde_json::Value;

    fn spot(text: &str, piece: Piece, path: &str) -> (u64, u64) {
        let piece = Piece { text: text.to_owned(), ..piece };
        let spot = Places::of(&piece).expect("readable").spot(None, path);
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

    /// Values as people name things, so that paths meet them.
    fn value() -> impl Strategy<Value = Value> {
        let word = prop::sample::select(
            &["a", "name", "b c", "items", "1", "x\\y", "q\"", "é", "-", "# d: e", "0x1"][..],
        );
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-3_i64..300).prop_map(Value::from),
            word.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(word.clone().prop_map(str::to_owned), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn plain_json_is_where_yaml_has_it(
            value in value(),
            pretty in any::<bool>(),
            columns in 0_u64..3,
            item in prop::option::of(0_usize..3),
            steps in prop::collection::vec(prop::sample::select(&[".a", "[\"name\"]", "[1]", "[0]", ".items", "[\"b c\"]"][..]), 0..5),
        ) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let text = text.expect("JSON");
            let piece = Piece { text, lines: 3, columns, json: true, ..Piece::default() };
            if let Some(plain) = Plain::of(&piece.text) {
                let read = Places { read: As::Plain(plain), lines: 3, columns };
                let parsed = Places::parsed(&piece).expect("readable");
                let path = steps.concat();
                prop_assert_eq!(read.spot(item, &path), parsed.spot(item, &path), "{} {}", piece.text, path);
            }
        }
    }
}
