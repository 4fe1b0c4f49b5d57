//! Values: what an object holds is borrowed, what an expression makes is shared.

mod compare;

use crate::gofmt;
use crate::library::cidr::Cidr;
use crate::library::format::Format;
use crate::library::ip::Ip;
use crate::library::quantity::Quantity;
use crate::library::semver::Semver;
use crate::library::time::Time;
use crate::library::url::Url;
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::{Bound, Deref};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Text<'a>),
    Bytes(Arc<[u8]>),
    /// Nanoseconds.
    Duration(i64),
    Timestamp(Time),
    List(List<'a>),
    Map(Map<'a>),
    /// A type, by the name it has at run time.
    Type(&'static str),
    Optional(Option<Arc<Value<'a>>>),
    Quantity(Arc<Quantity>),
    Ip(Ip),
    Cidr(Cidr),
    Url(Arc<Url>),
    Semver(Arc<Semver>),
    Format(&'static Format),
}

#[derive(Clone, Debug)]
pub enum Text<'a> {
    Borrowed(&'a str),
    Shared(Arc<str>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Text::Borrowed(text) => text,
            Text::Shared(text) => text,
        }
    }
}

#[derive(Clone, Debug)]
pub enum List<'a> {
    Json(&'a [Json]),
    Made(Arc<Vec<Value<'a>>>),
}

#[derive(Clone, Debug)]
pub enum Map<'a> {
    Json(&'a serde_json::Map<String, Json>),
    Made(Arc<BTreeMap<Key<'a>, Value<'a>>>),
}

/// What a map that an expression makes is keyed by. `1` and `1u` are two keys, as in cel-go; a look-up finds either.
#[derive(Clone, Debug)]
pub enum Key<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Text<'a>),
}

impl Key<'_> {
    fn rank(&self) -> u8 {
        match self {
            Key::Null => 0,
            Key::Bool(_) => 1,
            Key::Int(_) => 2,
            Key::Uint(_) => 3,
            Key::Double(_) => 4,
            Key::String(_) => 5,
        }
    }
}

impl Ord for Key<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Key::Bool(a), Key::Bool(b)) => a.cmp(b),
            (Key::Int(a), Key::Int(b)) => a.cmp(b),
            (Key::Uint(a), Key::Uint(b)) => a.cmp(b),
            // 0.0 and -0.0 are one key.
            (Key::Double(a), Key::Double(b)) => a.partial_cmp(b).unwrap_or_else(|| a.total_cmp(b)),
            (Key::String(a), Key::String(b)) => a.deref().cmp(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }
}

impl PartialOrd for Key<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key<'_> {}

impl<'a> From<&'a Json> for Value<'a> {
    fn from(json: &'a Json) -> Self {
        match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(value) => Value::Int(value),
                None => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::String(Text::Borrowed(text)),
            Json::Array(items) => Value::List(List::Json(items)),
            Json::Object(map) => Value::Map(Map::Json(map)),
        }
    }
}

impl<'a> From<Key<'a>> for Value<'a> {
    fn from(key: Key<'a>) -> Self {
        match key {
            Key::Null => Value::Null,
            Key::Bool(value) => Value::Bool(value),
            Key::Int(value) => Value::Int(value),
            Key::Uint(value) => Value::Uint(value),
            Key::Double(value) => Value::Double(value),
            Key::String(text) => Value::String(text),
        }
    }
}

impl<'a> Value<'a> {
    pub fn text(text: impl Into<Arc<str>>) -> Value<'a> {
        Value::String(Text::Shared(text.into()))
    }

    pub fn list(values: Vec<Value<'a>>) -> Value<'a> {
        Value::List(List::Made(Arc::new(values)))
    }

    pub fn some(value: Value<'a>) -> Value<'a> {
        Value::Optional(Some(Arc::new(value)))
    }

    pub fn as_key(&self) -> Option<Key<'a>> {
        Some(match self {
            Value::Null => Key::Null,
            Value::Bool(value) => Key::Bool(*value),
            Value::Int(value) => Key::Int(*value),
            Value::Uint(value) => Key::Uint(*value),
            Value::Double(value) => Key::Double(*value),
            Value::String(text) => Key::String(text.clone()),
            _ => return None,
        })
    }

    /// The name of the type at run time.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null_type",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Uint(_) => "uint",
            Value::Double(_) => "double",
            Value::String(_) => "string",
            Value::Bytes(_) => "bytes",
            Value::Duration(_) => "google.protobuf.Duration",
            Value::Timestamp(_) => "google.protobuf.Timestamp",
            Value::List(_) => "list",
            Value::Map(_) => "map",
            Value::Type(_) => "type",
            Value::Optional(_) => "optional_type",
            Value::Quantity(_) => "kubernetes.Quantity",
            Value::Ip(_) => "net.IP",
            Value::Cidr(_) => "net.CIDR",
            Value::Url(_) => "kubernetes.URL",
            Value::Semver(_) => "kubernetes.Semver",
            Value::Format(_) => "kubernetes.NamedFormat",
        }
    }

    pub fn is_zero(&self) -> bool {
        match self {
            Value::Null => true,
            Value::Bool(value) => !value,
            Value::Int(value) => *value == 0,
            Value::Uint(value) => *value == 0,
            Value::Double(value) => *value == 0.0,
            Value::String(text) => text.is_empty(),
            Value::Bytes(bytes) => bytes.is_empty(),
            Value::Duration(nanoseconds) => *nanoseconds == 0,
            Value::Timestamp(time) => time.is_zero(),
            Value::List(list) => list.is_empty(),
            Value::Map(map) => map.is_empty(),
            _ => false,
        }
    }

    /// What cel-go calls the size of a value that has one.
    pub fn size(&self) -> Option<u64> {
        let size = match self {
            Value::String(text) => text.chars().count(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(list) => list.len(),
            Value::Map(map) => map.len(),
            Value::Ip(ip) => ip.size(),
            Value::Cidr(cidr) => cidr.size(),
            _ => return None,
        };
        u64::try_from(size).ok()
    }
}

impl<'a> List<'a> {
    pub fn len(&self) -> usize {
        match self {
            List::Json(items) => items.len(),
            List::Made(values) => values.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, at: usize) -> Option<Value<'a>> {
        match self {
            List::Json(items) => items.get(at).map(Value::from),
            List::Made(values) => values.get(at).cloned(),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Value<'a>> + '_ {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// As cel-go: an element that cannot be compared with its peer is passed over.
    fn equals(&self, other: &List<'_>) -> bool {
        self.len() == other.len() && self.iter().zip(other.iter()).all(|(a, b)| a.equals(&b) != Ok(false))
    }
}

impl<'a> Map<'a> {
    pub fn len(&self) -> usize {
        match self {
            Map::Json(map) => map.len(),
            Map::Made(map) => map.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn field(&self, name: &str) -> Option<Value<'a>> {
        match self {
            Map::Json(map) => map.get(name).map(Value::from),
            Map::Made(_) => self.find(&Value::String(Text::Borrowed(name))),
        }
    }

    pub fn find(&self, key: &Value<'_>) -> Option<Value<'a>> {
        match (self, key) {
            (Map::Json(map), Value::String(name)) => map.get(&**name).map(Value::from),
            (Map::Json(_), _) => None,
            (Map::Made(map), key) => {
                let own = key.as_key()?;
                if let Some(found) = get(map, &own) {
                    return Some(found);
                }
                match own {
                    Key::Int(value) => get(map, &Key::Uint(u64::try_from(value).ok()?)),
                    Key::Uint(value) => get(map, &Key::Int(i64::try_from(value).ok()?)),
                    Key::Double(value) => gofmt::exact_int(value)
                        .and_then(|value| get(map, &Key::Int(value)))
                        .or_else(|| gofmt::exact_uint(value).and_then(|value| get(map, &Key::Uint(value)))),
                    _ => None,
                }
            }
        }
    }

    /// In the order of the keys; cel-go's order is not the same twice.
    pub fn entries(&self) -> Vec<(Value<'a>, Value<'a>)> {
        match self {
            Map::Json(map) => map
                .iter()
                .map(|(key, value)| (Value::String(Text::Borrowed(key)), Value::from(value)))
                .collect(),
            Map::Made(map) => {
                map.iter().map(|(key, value)| (Value::from(key.clone()), value.clone())).collect()
            }
        }
    }

    fn equals(&self, other: &Map<'_>) -> bool {
        self.len() == other.len()
            && self
                .entries()
                .iter()
                .all(|(key, value)| other.find(key).is_some_and(|peer| value.equals(&peer) != Ok(false)))
    }
}

fn get<'a>(map: &BTreeMap<Key<'a>, Value<'a>>, key: &Key<'_>) -> Option<Value<'a>> {
    map.range::<Key<'_>, _>((Bound::Included(key), Bound::Included(key)))
        .next()
        .map(|(_, value)| value.clone())
}
