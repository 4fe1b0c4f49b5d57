use super::*;
use std::fs;
use tempfile::TempDir;

#[test]
fn only_its_own_files_are_beside_it_in_the_order_of_their_rotation() {
    let place = TempDir::new().unwrap();
    let names = [
        "audit.log",
        "audit-2026-02-03T04-05-06.789.log",
        "audit-2026-02-03T04-05-07.001.log.gz",
        "audit-2026-02-03T04-05-06.788.log",
        "audit-2026-02-03T04-05-06.788.log.gz",
        "audit-policy.log",
        "audit-2026.yaml",
        "audit.log.tmp",
        "other-2026-02-03T04-05-06.789.log",
        "audit.log.1",
    ];
    for name in names {
        fs::write(place.path().join(name), "").unwrap();
    }
    fs::create_dir(place.path().join("audit.log.2")).unwrap();
    let found = siblings(&place.path().join("audit.log")).unwrap();
    let found: Vec<(&str, bool)> =
        found.iter().map(|sibling| (sibling.name.as_str(), sibling.compressed)).collect();
    assert_eq!(
        found,
        [
            ("audit-2026-02-03T04-05-06.788.log", false),
            ("audit-2026-02-03T04-05-06.789.log", false),
            ("audit-2026-02-03T04-05-07.001.log", true),
            ("audit.log.1", false),
        ]
    );
}
