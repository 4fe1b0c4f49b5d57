//! What the whole log was at one moment: the last segment of every partition, under one hash, signed.

use crate::Partition;
use crate::access::{self, Store};
use crate::digest::Digest;
use crate::error::Error;
use crate::keys::Keys;
use crate::layout::{self, Object};
use crate::merkle::{self, Leaf, Step};
use crate::sign::Signature;
use crate::signed::{Seal, Signed};
use bytes::Bytes;
use futures::TryStreamExt as _;
use jiff::Timestamp;
use object_store::path::Path;
use serde::{Deserialize, Serialize};

pub(crate) const FORMAT: &str = "snc-head-1";

/// `heads/<number>.json`. The signature is over all but the leaves, which the root binds: so a tenant can check it
/// without them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    pub format: String,
    pub number: u64,
    pub at: Timestamp,
    /// The hash of the head before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    pub root: Digest,
    #[serde(flatten)]
    pub seal: Seal,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaves: Vec<Leaf>,
}

impl Signed for Head {
    const FORMAT: &'static str = FORMAT;
    const UNSIGNED: &'static [&'static str] = &["signature", "leaves"];

    fn format(&self) -> &str {
        &self.format
    }

    fn seal(&self) -> &Seal {
        &self.seal
    }

    fn seal_mut(&mut self) -> &mut Seal {
        &mut self.seal
    }

    fn signed_at(&self) -> Timestamp {
        self.at
    }
}

impl Head {
    pub(crate) fn new(
        before: Option<(u64, Digest)>,
        mut leaves: Vec<Leaf>,
        at: Timestamp,
        keys: &Keys,
    ) -> Result<Self, Error> {
        leaves.sort_unstable();
        let mut head = Self {
            format: FORMAT.to_owned(),
            number: before.map_or(1, |(number, _)| number + 1),
            at,
            previous: before.map(|(_, hash)| hash),
            root: merkle::root(&leaves),
            seal: Seal {
                key_id: keys.current().clone(),
                algorithm: keys.algorithm(),
                signature: Signature::none(),
            },
            leaves,
        };
        head.sign(keys.pair())?;
        Ok(head)
    }

    /// What anchors hold, and the next head: of all but the leaves, signature included.
    pub fn hash(&self) -> Digest {
        // What was read or signed can be written.
        crate::canonical::bytes(self, &["leaves"]).map_or(Digest::new([0; 32]), |bytes| Digest::of(&bytes))
    }

    pub(crate) fn leaves_fit(&self) -> bool {
        // In order, and no partition twice: the path of a leaf would not be its own.
        self.leaves.is_sorted_by(|one, next| one.partition < next.partition)
            && merkle::root(&self.leaves) == self.root
    }

    pub fn leaf(&self, partition: &Partition) -> Option<&Leaf> {
        let at = self.leaves.binary_search_by(|leaf| leaf.partition.cmp(partition)).ok()?;
        self.leaves.get(at)
    }

    /// What a tenant is shown of it.
    pub fn proof(&self, partition: &Partition) -> Option<Proof> {
        let at = self.leaves.binary_search_by(|leaf| leaf.partition.cmp(partition)).ok()?;
        let leaf = self.leaves.get(at)?.clone();
        let path = merkle::path(&self.leaves, at);
        Some(Proof { head: Self { leaves: Vec::new(), ..self.clone() }, leaf, path })
    }
}

/// That a partition ended with this segment when the head was signed. It names no other partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    pub head: Head,
    pub leaf: Leaf,
    pub path: Vec<Step>,
}

impl Proof {
    pub(crate) fn holds(&self) -> bool {
        self.head.leaves.is_empty() && merkle::climb(&self.leaf, &self.path) == self.head.root
    }
}

/// The bytes of one, none where it is not there.
pub(crate) async fn read(store: &Store, number: u64) -> Result<Bytes, Error> {
    let bytes = access::read_at_most(store, &layout::head(number), access::HEAD).await?;
    Ok(bytes.unwrap_or_default())
}

/// Of all heads in a store, in order.
pub(crate) async fn numbers(store: &Store) -> Result<Vec<u64>, Error> {
    let prefix = Path::from(layout::HEADS);
    let number = |object: object_store::ObjectMeta| async move {
        match layout::read(&object.location) {
            Object::Head(number) => Ok(Some(number)),
            _ => Ok(None),
        }
    };
    let listed = store.list(Some(&prefix)).try_filter_map(number);
    let mut numbers: Vec<u64> = listed.try_collect().await.map_err(Error::store(layout::HEADS))?;
    numbers.sort_unstable();
    Ok(numbers)
}
