//! A tree over the last manifest of every partition, after RFC 6962: a tenant is shown the way from its own leaf to the
//! root, and of the others nothing but hashes.

use crate::Partition;
use crate::digest::{Digest, sha256};
use serde::{Deserialize, Serialize};

/// A partition as a head finds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Leaf {
    pub partition: Partition,
    /// Of its last segment.
    pub number: u64,
    /// The hash of that segment's manifest.
    pub manifest: Digest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    Left,
    Right,
}

/// What is beside the way to the root, and on which side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub side: Side,
    pub hash: Digest,
}

impl Leaf {
    fn hash(&self) -> Digest {
        let Self { partition, number, manifest } = self;
        let partition = partition.to_string();
        let length = (partition.len() as u64).to_be_bytes();
        let parts: [&[u8]; 5] =
            [&[0], &length, partition.as_bytes(), &number.to_be_bytes(), manifest.as_bytes()];
        Digest::new(sha256(&parts))
    }
}

fn node(left: Digest, right: Digest) -> Digest {
    Digest::new(sha256(&[&[1], left.as_bytes(), right.as_bytes()]))
}

/// Of no leaves: the hash of nothing.
pub(crate) fn root(leaves: &[Leaf]) -> Digest {
    match leaves {
        [] => Digest::of(b""),
        [leaf] => leaf.hash(),
        several => {
            let (left, right) = several.split_at(half(several.len()));
            node(root(left), root(right))
        }
    }
}

/// From the leaf up.
pub(crate) fn path(leaves: &[Leaf], at: usize) -> Vec<Step> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let half = half(leaves.len());
    let (left, right) = leaves.split_at(half);
    let (mut path, step) = if at < half {
        (path(left, at), Step { side: Side::Right, hash: root(right) })
    } else {
        (path(right, at - half), Step { side: Side::Left, hash: root(left) })
    };
    path.push(step);
    path
}

/// Where the path leads.
pub(crate) fn climb(leaf: &Leaf, path: &[Step]) -> Digest {
    path.iter().fold(leaf.hash(), |hash, step| match step.side {
        Side::Left => node(step.hash, hash),
        Side::Right => node(hash, step.hash),
    })
}

/// The largest power of two that leaves something.
const fn half(length: usize) -> usize {
    1 << (usize::BITS - 1 - (length - 1).leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaves(count: usize) -> Vec<Leaf> {
        let leaf = |n: usize| Leaf {
            partition: format!("tenant.t{n}").parse().unwrap(),
            number: n as u64 + 1,
            manifest: Digest::of(&[u8::try_from(n).unwrap()]),
        };
        (0..count).map(leaf).collect()
    }

    proptest! {
        #[test]
        fn every_leaf_has_its_path_and_no_other_leaf_has_it(count in 1_usize..40, at in 0_usize..40, other in 0_usize..40) {
            let leaves = leaves(count);
            let (at, other) = (at % count, other % count);
            let path = path(&leaves, at);
            prop_assert_eq!(climb(&leaves[at], &path), root(&leaves));
            prop_assert_eq!(climb(&leaves[other], &path) == root(&leaves), at == other);
            prop_assert!(path.len() <= 6);
        }

        #[test]
        fn the_root_is_of_all_leaves_in_their_order(count in 2_usize..40, one in 0_usize..40, other in 0_usize..40) {
            let all = leaves(count);
            let (one, other) = (one % count, other % count);
            let mut changed = all.clone();
            changed.swap(one, other);
            prop_assert_eq!(root(&all) == root(&changed), one == other);
            changed = all.clone();
            changed[one].number += 1;
            prop_assert_ne!(root(&all), root(&changed));
            changed.truncate(one);
            prop_assert_ne!(root(&all), root(&changed));
        }
    }

    #[test]
    fn a_node_is_no_leaf() {
        let all = leaves(2);
        let hash = root(&all);
        assert!(all.iter().all(|leaf| leaf.hash() != hash));
        assert_ne!(root(&[]), root(&all[..1]));
    }
}
