//! Bounded fuzzing of the intake: whatever comes in, it ends, and nothing is lost without a word.

use super::intake::intake;
use super::locate::Places;
use super::pieces::{Piece, pieces};
use jiff::Timestamp;
use proptest::prelude::*;
use snc_catalogue::{Catalogue, Judge, Profile, Uniform};
use snc_core::tier::Level;
use std::io::BufReader;
use std::sync::LazyLock;

static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::built_in().expect("every control compiles"));

const YAML: &str = "# x
---
apiVersion: v1
kind: Pod
metadata:
  name: \"é\"
  labels: &l {a: b, 'c/d': ~}
  annotations: *l
spec:
  containers:
  - name: a
    image: r.example/a:1
    securityContext: {privileged: true, capabilities: {add: [X, 'Y']}}
    args:
    - |
      a
      --- b
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, metadata: {name: s}}
...
";
const JSON: &str = "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"ClusterRole\",\"metadata\":{\"name\":\"a\\\"\\u00e9\"},\"rules\":[{\"verbs\":[\"*\"],\"apiGroups\":null}]},\n{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"},\"spec\":{}}],\"metadata\":{}}\n{\"apiVersion\":\"v1\",\"kind\":\"Node\"}";
/// What the two languages are made of.
const BITS: [&str; 24] = [
    "{", "}", "[", "]", ":", ",", "\"", "\\", "\n", "---\n", "- ", "'", "|", "&m", "*m", "#", "~", "null",
    "1e999", "\u{0}", "\u{feff}", "\t", "items", "é",
];

/// A text with pieces cut out, doubled and put in.
fn changed(text: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<prop::sample::Index>(), 0_usize..12, prop::sample::select(&BITS[..]), any::<bool>());
    prop::collection::vec(edit, 0..8).prop_map(move |edits| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, length, bit, double) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            let cut: Vec<u8> = bytes.splice(at..end, bit.bytes()).collect();
            if double {
                bytes.splice(at..at, cut.iter().chain(&cut).copied());
            }
        }
        bytes
    })
}

/// The whole way in; gives how many objects and how many mistakes came out.
fn take_in(bytes: &[u8], buffer: usize) -> (usize, usize) {
    let profile = Uniform(Profile::new(Level::Avance));
    let mut judge = Judge::new(&CATALOGUE, &profile);
    let scales = judge.scales();
    let (mut objects, mut mistakes) = (0, 0);
    let read = pieces(BufReader::with_capacity(buffer, bytes), |piece: Piece| {
        let taken = intake("f", &piece, &scales);
        mistakes += taken.wrong.len();
        for read in taken.objects {
            objects += 1;
            let paths = judge.add(read.gist);
            if let Some(places) = Places::of(&piece) {
                for path in &paths {
                    assert!(places.spot(read.item, path).line > 0, "{path}");
                }
            }
        }
    });
    mistakes += usize::from(read.is_err());
    judge.files_end_here();
    judge.conclude(Timestamp::UNIX_EPOCH);
    (objects, mistakes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        take_in(&bytes, 7);
    }

    #[test]
    fn changed_yaml_ends_the_same_however_it_arrives(bytes in changed(YAML)) {
        prop_assert_eq!(take_in(&bytes, 1), take_in(&bytes, 1 << 16));
    }

    #[test]
    fn changed_json_ends_the_same_however_it_arrives(bytes in changed(JSON)) {
        prop_assert_eq!(take_in(&bytes, 1), take_in(&bytes, 1 << 16));
    }
}

#[test]
fn unchanged_everything_is_there() {
    assert_eq!(take_in(YAML.as_bytes(), 3), (2, 0));
    assert_eq!(take_in(JSON.as_bytes(), 3), (2, 1));
}
