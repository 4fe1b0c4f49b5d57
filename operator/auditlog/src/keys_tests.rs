use super::*;
use rstest::rstest;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[rstest]
fn a_key_is_made_once_and_for_its_owner(
    #[values(Algorithm::Es256, Algorithm::Ed25519)] algorithm: Algorithm,
) {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("a/b");
    let first = Keys::open(&dir, algorithm, at(0)).unwrap();
    let again = Keys::open(&dir, Algorithm::default(), at(9)).unwrap();
    assert_eq!((again.current(), again.algorithm(), again.since()), (first.current(), algorithm, at(0)));
    let mode = fs::metadata(private(&dir, first.current())).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn rotation_keeps_no_old_private_key_and_all_public_ones() {
    let dir = tempfile::tempdir().unwrap();
    let mut keys = Keys::open(dir.path(), Algorithm::Es256, at(0)).unwrap();
    let first = keys.current().clone();
    let second = keys.rotate(Algorithm::Ed25519, at(10)).unwrap();
    let third = keys.rotate(Algorithm::Es256, at(20)).unwrap();
    let ids: Vec<_> = keys.chain().keys().iter().map(|key| (key.id().clone(), key.until())).collect();
    assert_eq!(ids, [(first.clone(), Some(at(10))), (second.clone(), Some(at(20))), (third.clone(), None)]);
    let mut expected = vec![format!("{third}.key")];
    expected.extend([&first, &second, &third].map(|id| format!("{id}.json")));
    expected.sort();
    assert_eq!(names(dir.path()), expected);
}

#[test]
fn a_clock_that_was_set_back_does_not_turn_the_order_of_keys() {
    let dir = tempfile::tempdir().unwrap();
    let mut keys = Keys::open(dir.path(), Algorithm::Es256, at(100)).unwrap();
    keys.rotate(Algorithm::Es256, at(50)).unwrap();
    assert_eq!(keys.since(), at(100));
}

#[test]
fn a_rotation_that_was_cut_short_never_happened() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::open(dir.path(), Algorithm::Es256, at(0)).unwrap();
    let before = names(dir.path());
    // The private key was written, the statement was not, or not to its end.
    let (_, document) = KeyPair::generate(Algorithm::Es256).unwrap();
    fs::write(dir.path().join("00112233445566778899aabbccddeeff.key"), pem(&document)).unwrap();
    fs::write(dir.path().join("00112233445566778899aabbccddeeff.new"), "{").unwrap();
    let again = Keys::load(dir.path()).unwrap();
    assert_eq!(again.current(), keys.current());
    assert_eq!(names(dir.path()), before);
}

#[test]
fn the_old_key_goes_even_if_rotation_was_cut_short_after_the_statement() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::open(dir.path(), Algorithm::Es256, at(0)).unwrap();
    introduce(dir.path(), Algorithm::Ed25519, at(5), Some((keys.pair(), keys.current()))).unwrap();
    let again = Keys::load(dir.path()).unwrap();
    assert_eq!((again.algorithm(), again.since()), (Algorithm::Ed25519, at(5)));
    assert!(!private(dir.path(), keys.current()).exists());
}

#[test]
fn a_key_open_to_others_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::open(dir.path(), Algorithm::Es256, at(0)).unwrap();
    let path = private(dir.path(), keys.current());
    fs::set_permissions(&path, Permissions::from_mode(0o660)).unwrap();
    Keys::load(dir.path()).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn another_key_in_its_place_is_refused_and_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::open(dir.path(), Algorithm::Es256, at(0)).unwrap();
    let path = private(dir.path(), keys.current());
    let (_, document) = KeyPair::generate(Algorithm::Es256).unwrap();
    let other = pem(&document);
    for text in [other.as_str(), "", "-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----"] {
        fs::write(&path, text).unwrap();
        let error = Keys::load(dir.path()).unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{error}");
        assert!(!error.text().en.contains(&other[40..60]));
    }
}

#[test]
fn a_statement_that_was_changed_stops_the_writer() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::open(dir.path(), Algorithm::Es256, at(0)).unwrap();
    let path = public(dir.path(), keys.current());
    let text = fs::read_to_string(&path).unwrap().replace("2027-", "2026-");
    fs::write(&path, text).unwrap();
    let Error::Damaged(finding) = Keys::load(dir.path()).unwrap_err() else { panic!("another error") };
    assert_eq!(finding.what, What::KeyChanged);
}
