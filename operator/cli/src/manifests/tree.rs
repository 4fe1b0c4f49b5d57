use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_path_to_error::{Path, Segment};
use serde_saphyr::Spanned;
use std::fmt;

/// A value that remembers where it stands; a column of 0 is not known.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub line: u64,
    pub column: u64,
    pub tree: Tree,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    pub fn of_json(value: Value, line: u64) -> Self {
        let tree = match value {
            Value::Array(items) => {
                Tree::List(items.into_iter().map(|item| Self::of_json(item, line)).collect())
            }
            Value::Object(map) => {
                Tree::Map(map.into_iter().map(|(key, item)| (key, Self::of_json(item, line))).collect())
            }
            scalar => Tree::Scalar(scalar),
        };
        Self { line, column: 0, tree }
    }

    pub fn shift(&mut self, lines: u64) {
        self.line += lines;
        match &mut self.tree {
            Tree::Scalar(_) => {}
            Tree::List(items) => items.iter_mut().for_each(|item| item.shift(lines)),
            Tree::Map(map) => map.iter_mut().for_each(|(_, item)| item.shift(lines)),
        }
    }

    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.tree {
            Tree::Map(map) => map.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            _ => None,
        }
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.tree {
            Tree::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    pub fn value(&self) -> Value {
        match &self.tree {
            Tree::Scalar(value) => value.clone(),
            Tree::List(items) => Value::Array(items.iter().map(Self::value).collect()),
            Tree::Map(map) => Value::Object(
                map.iter().map(|(key, item)| (key.clone(), item.value())).collect::<Map<_, _>>(),
            ),
        }
    }

    /// The line of what stands at this path, or of the nearest thing around it.
    pub fn line_of(&self, path: &Path) -> u64 {
        let mut node = self;
        for segment in path {
            let next = match (segment, &node.tree) {
                (Segment::Seq { index }, Tree::List(items)) => items.get(*index),
                (Segment::Map { key }, _) => node.get(key),
                _ => None,
            };
            let Some(next) = next else { break };
            node = next;
        }
        node.line
    }

    /// Path and line of the first key that `known`, the same object as a typed reader kept it, does not have.
    pub fn first_unknown(&self, known: &Value, path: &str) -> Option<(String, u64)> {
        match (&self.tree, known) {
            (Tree::Map(map), Value::Object(kept)) => map.iter().find_map(|(key, node)| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match kept.get(key) {
                    Some(kept) => node.first_unknown(kept, &path),
                    None if node.tree == Tree::Scalar(Value::Null) => None,
                    None => Some((path, node.line)),
                }
            }),
            (Tree::List(items), Value::Array(kept)) => items
                .iter()
                .zip(kept)
                .enumerate()
                .find_map(|(index, (node, kept))| node.first_unknown(kept, &format!("{path}[{index}]"))),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Tree>::deserialize(deserializer)?;
        let place = spanned.referenced;
        Ok(Self { line: place.line(), column: place.column(), tree: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar(Value::Number(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar(Value::Number(value.into())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Scalar(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Scalar(Value::String(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Tree, E> {
        Ok(Tree::Scalar(Value::String(value)))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar(Value::Null))
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Tree, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = access.next_entry()? {
            map.push(entry);
        }
        Ok(Tree::Map(map))
    }
}
