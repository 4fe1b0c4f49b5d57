//! Where what lies in the store.

use crate::Partition;
use crate::sign::KeyId;
use object_store::path::Path;

pub(crate) const KEYS: &str = "keys";
pub(crate) const HEADS: &str = "heads";
const PACKS: &str = "packs";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Segment,
    Index,
    Manifest,
    Tombstone,
    Pack,
}

/// What an object is, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Object {
    Of(Partition, u64, Kind),
    Head(u64),
    Key(KeyId),
    Foreign,
}

pub(crate) fn key(id: &KeyId) -> Path {
    Path::from(format!("{KEYS}/{id}.json"))
}

pub(crate) fn head(number: u64) -> Path {
    Path::from(format!("{HEADS}/{number:012}.json"))
}

pub(crate) fn packs(partition: &Partition) -> Path {
    Path::from(format!("{partition}/{PACKS}"))
}

pub(crate) fn object(partition: &Partition, number: u64, kind: Kind) -> Path {
    Path::from(match kind {
        Kind::Segment => format!("{partition}/{number:012}.seg"),
        Kind::Index => format!("{partition}/{number:012}.idx"),
        Kind::Manifest => format!("{partition}/{number:012}.json"),
        Kind::Tombstone => format!("{partition}/{number:012}.expired.json"),
        Kind::Pack => format!("{partition}/{PACKS}/{number:012}.pack"),
    })
}

pub(crate) fn read(path: &Path) -> Object {
    let parts: Vec<_> = path.parts().collect();
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    let known = match *parts.as_slice() {
        [KEYS, file] => file.strip_suffix(".json").and_then(|id| id.parse().ok()).map(Object::Key),
        [HEADS, file] => file.strip_suffix(".json").and_then(number).map(Object::Head),
        [partition, file] => of(partition, file),
        [partition, PACKS, file] => {
            let number = file.strip_suffix(".pack").and_then(number);
            let partition: Option<Partition> = partition.parse().ok();
            partition.zip(number).map(|(partition, number)| Object::Of(partition, number, Kind::Pack))
        }
        _ => None,
    };
    known.unwrap_or(Object::Foreign)
}

fn of(partition: &str, file: &str) -> Option<Object> {
    let partition: Partition = partition.parse().ok()?;
    let (digits, rest) = file.split_once('.')?;
    let kind = match rest {
        "seg" => Kind::Segment,
        "idx" => Kind::Index,
        "json" => Kind::Manifest,
        "expired.json" => Kind::Tombstone,
        _ => return None,
    };
    Some(Object::Of(partition, number(digits)?, kind))
}

/// Segments and heads are counted from one.
fn number(digits: &str) -> Option<u64> {
    let fine = digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit());
    fine.then(|| digits.parse().ok()).flatten().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn partitions() -> [Partition; 2] {
        ["platform", "tenant.acme"].map(|text| text.parse().unwrap())
    }

    #[test]
    fn names_are_read_back() {
        for partition in partitions() {
            for kind in [Kind::Segment, Kind::Index, Kind::Manifest, Kind::Tombstone, Kind::Pack] {
                let path = object(&partition, 42, kind);
                assert_eq!(read(&path), Object::Of(partition.clone(), 42, kind), "{path}");
            }
        }
        let id: KeyId = "0123456789abcdef0123456789abcdef".parse().unwrap();
        assert_eq!(read(&key(&id)), Object::Key(id));
        assert_eq!(read(&head(7)), Object::Head(7));
    }

    #[rstest]
    #[case("keys/x.json")]
    #[case("heads/12.json")]
    #[case("heads/000000000000.json")]
    #[case("platform/000000000001.SEG")]
    #[case("platform/+00000000001.seg")]
    #[case("platform/packs/000000000001.json")]
    #[case("elsewhere/000000000001.seg")]
    #[case("readme")]
    fn anything_else_is_foreign(#[case] path: &str) {
        assert_eq!(read(&Path::from(path)), Object::Foreign);
    }
}
