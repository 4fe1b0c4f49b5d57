use super::*;
use crate::keys::Keys;
use crate::sign::KeyPair;
use rstest::rstest;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

type Objects = BTreeMap<String, Vec<u8>>;

/// Three keys, each introduced by the one before, as they lie in the store.
fn three() -> (Vec<KeyId>, Objects) {
    let dir = tempfile::tempdir().unwrap();
    let mut keys = Keys::open(dir.path(), Algorithm::Es256, at(0)).unwrap();
    keys.rotate(Algorithm::Ed25519, at(10)).unwrap();
    keys.rotate(Algorithm::Es256, at(20)).unwrap();
    let ids = keys.chain().keys().iter().map(|key| key.id().clone()).collect();
    let objects = keys.chain().keys().iter();
    (
        ids,
        objects.map(|key| (layout::key(key.id()).to_string(), key.statement().to_bytes().unwrap())).collect(),
    )
}

fn ids(chain: &Keychain) -> Vec<&KeyId> {
    chain.keys().iter().map(Key::id).collect()
}

/// A key of somebody who has stolen another.
fn forged(previous: Option<&KeyId>, signer: Option<&KeyPair>, from: Timestamp) -> (KeyId, KeyPair, Vec<u8>) {
    let (pair, _) = KeyPair::generate(Algorithm::Es256).unwrap();
    let public_key = pair.public().unwrap();
    let mut statement = Statement {
        format: FORMAT.to_owned(),
        key_id: public_key.id(),
        algorithm: Algorithm::Es256,
        public_key,
        from,
        previous: previous.cloned(),
        proof: Signature::none(),
        signature: Signature::none(),
    };
    statement.proof = pair.sign(&statement.claim().unwrap()).unwrap();
    statement.signature = signer.unwrap_or(&pair).sign(&statement.message().unwrap()).unwrap();
    (statement.key_id.clone(), pair, statement.to_bytes().unwrap())
}

#[rstest]
fn any_of_them_leads_to_all(#[values(None, Some(0), Some(1), Some(2))] trusted: Option<usize>) {
    let (expected, objects) = three();
    let (chain, findings) = Keychain::read(&objects, trusted.map(|at| &expected[at]));
    assert_eq!(findings, []);
    assert_eq!(ids(&chain), expected.iter().collect::<Vec<_>>());
    let second = chain.get(&expected[1]).unwrap();
    let valid = [9, 10, 20, 21].map(|second_at| second.is_valid_at(at(second_at)));
    assert_eq!(valid, [false, true, true, false]);
}

#[rstest]
fn every_byte_of_a_statement_counts(#[values(None, Some(0), Some(1), Some(2))] trusted: Option<usize>) {
    let (all, objects) = three();
    let trusted = trusted.map(|at| &all[at]);
    for (path, bytes) in &objects {
        for place in 0..bytes.len() {
            let mut changed = objects.clone();
            changed.get_mut(path).unwrap()[place] ^= 1;
            let (_, findings) = Keychain::read(&changed, trusted);
            assert!(findings.iter().any(|finding| finding.object == *path), "{path} at {place}");
        }
    }
}

#[test]
fn a_key_that_is_gone_is_missed() {
    let (all, mut objects) = three();
    objects.remove(layout::key(&all[1]).as_ref());
    let (chain, findings) = Keychain::read(&objects, None);
    assert_eq!(ids(&chain), [&all[0]]);
    assert_eq!(findings, [Finding::new(What::KeyNotInChain, layout::key(&all[2]).as_ref())]);
    // Whoever trusts the last one learns which one is missing.
    let (chain, findings) = Keychain::read(&objects, Some(&all[2]));
    assert_eq!(ids(&chain), [&all[2]]);
    assert!(findings.contains(&Finding::new(What::KeyMissing, layout::key(&all[1]).as_ref())));
}

#[test]
fn a_key_of_somebody_else_is_not_taken_in() {
    let (all, mut objects) = three();
    let (id, pair, bytes) = forged(Some(&all[2]), None, at(30));
    objects.insert(layout::key(&id).to_string(), bytes);
    let (chain, findings) = Keychain::read(&objects, None);
    assert_eq!(chain.keys().len(), 3);
    assert_eq!(findings, [Finding::new(What::KeyNotInChain, layout::key(&id).as_ref())]);
    // Nor does it help to say that the trusted key was introduced by it.
    let (grandchild, _, bytes) = forged(Some(&id), Some(&pair), at(40));
    objects.insert(layout::key(&grandchild).to_string(), bytes);
    let (chain, _) = Keychain::read(&objects, Some(&all[0]));
    assert_eq!(chain.keys().len(), 3);
}

#[test]
fn a_log_of_other_keys_is_not_the_one_that_is_trusted() {
    let (all, _) = three();
    let (_, others) = three();
    let (chain, findings) = Keychain::read(&others, Some(&all[0]));
    assert!(chain.keys().is_empty());
    assert!(findings.contains(&Finding::new(What::NotTrusted, layout::key(&all[0]).as_ref())));
}

#[test]
fn two_beginnings_are_none_unless_one_is_trusted() {
    let (all, mut objects) = three();
    let (id, _, bytes) = forged(None, None, at(0));
    objects.insert(layout::key(&id).to_string(), bytes);
    let (chain, findings) = Keychain::read(&objects, None);
    assert!(chain.keys().is_empty());
    assert!(findings.contains(&Finding::new(What::KeyFork, layout::key(&id).as_ref())));
    let (chain, _) = Keychain::read(&objects, Some(&all[1]));
    assert_eq!(chain.keys().len(), 3);
}

#[test]
fn two_successors_of_one_key_are_named() {
    let (first, pair, bytes) = forged(None, None, at(0));
    let mut objects = Objects::from([(layout::key(&first).to_string(), bytes)]);
    let mut both = Vec::new();
    for second in [5, 6] {
        let (id, _, bytes) = forged(Some(&first), Some(&pair), at(second));
        objects.insert(layout::key(&id).to_string(), bytes);
        both.push(id);
    }
    let (chain, findings) = Keychain::read(&objects, None);
    assert_eq!(ids(&chain), [&first]);
    for id in both {
        assert!(findings.contains(&Finding::new(What::KeyFork, layout::key(&id).as_ref())));
    }
}
