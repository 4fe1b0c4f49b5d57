fn main() {
    for file in std::env::args().skip(1) {
        let got = snc_images::readers::read(|| std::fs::File::open(&file), Default::default());
        match got {
            Ok(reports) => {
                for r in reports {
                    println!(
                        "{file}: {:?} {} {:?} {:?} entries {} {:?} at {:?} db {:?} {:?} other {} {}",
                        r.format,
                        r.format_version,
                        r.nature,
                        r.counts,
                        r.entries,
                        r.artifact,
                        r.scanned_at,
                        r.database,
                        r.scanner,
                        r.other_findings,
                        serde_json::to_string(&r.vulnerabilities.iter().take(2).collect::<Vec<_>>()).unwrap()
                    );
                }
            }
            Err(e) => println!("{file}: {e:?}"),
        }
    }
}
