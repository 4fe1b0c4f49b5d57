//! Scans that somebody vouches for by a key: a tenant's own then proves something, in its own namespace.

use super::key::{Key, framed};
use super::subject::computed;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use snc_core::image::{Finding, Scan};
use snc_core::text::Refusal;

/// The line that is signed, its end included. It is over everything that verdicts rest on.
pub fn statement(scan: &Scan) -> String {
    let Scan {
        digests,
        image,
        scanner,
        scanned_at,
        database_at,
        truncated,
        statements,
        findings,
        signature: _,
    } = scan;
    let mut digests: Vec<&str> = digests.iter().map(snc_core::image::Digest::as_str).collect();
    digests.sort_unstable();
    let finding = |found: &Finding| {
        let Finding { name, severity, cvss, source, fixed, settled, analysed } = found;
        // One decimal is all that a score has.
        let cvss = cvss.map(|score| format!("{score:.1}"));
        json!([name.to_string(), severity.as_str(), cvss, source, fixed, settled, analysed]).to_string()
    };
    let mut findings: Vec<String> = findings.iter().map(finding).collect();
    findings.sort_unstable();
    let all = json!([digests, image, scanner, scanned_at, database_at, truncated, statements, findings]);
    let digest = computed("sha256", all.to_string().as_bytes());
    format!("snc-image-scan/v1 {}\n", digest.as_ref().map_or("", |digest| digest.as_str()))
}

/// Whose scans count.
#[derive(Debug, Default)]
pub struct ScanKeys(Vec<Key>);

impl ScanKeys {
    /// `name key`, the key as between the lines of its PEM file. What is refused is not quoted: it may be a private key.
    pub fn read(path: &str, lines: &[&str]) -> Result<Self, Refusal> {
        lines
            .iter()
            .enumerate()
            .map(|(i, line)| key(&format!("{path}[{i}]"), line))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// What cannot be read is left out: it was refused where it was written.
    pub fn of<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        Self(lines.into_iter().filter_map(|line| key("", line).ok()).collect())
    }

    /// Whether one of them signed exactly this.
    pub fn signed(&self, scan: &Scan) -> bool {
        let Some(signature) = scan.signature.as_deref().filter(|_| !self.0.is_empty()) else { return false };
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        let statement = statement(scan);
        self.0.iter().any(|key| key.made(&signature, statement.as_bytes()))
    }
}

fn key(path: &str, line: &str) -> Result<Key, Refusal> {
    let (name, body) = line.split_once(' ').unwrap_or((line, ""));
    Key::read(path, name, &framed(body))
}

#[cfg(test)]
mod tests {
    use super::super::made::Signer;
    use super::*;
    use snc_core::image::{Digest, Name, Severity};

    fn scan() -> Scan {
        Scan {
            digests: Digest::parse(&format!("sha256:{}", "a".repeat(64))).into_iter().collect(),
            image: "r.example/app".to_owned(),
            scanner: "trivy".to_owned(),
            scanned_at: Some(jiff::Timestamp::UNIX_EPOCH),
            findings: vec![Finding {
                name: Name::new("CVE-1", "openssl", "3.0.1"),
                severity: Severity::High,
                cvss: Some(7.5),
                source: "debian".into(),
                fixed: true,
                settled: false,
                analysed: false,
            }],
            ..Scan::default()
        }
    }

    #[test]
    fn a_scan_counts_with_the_signature_of_a_named_key_over_all_of_it() {
        let (signer, other) = (Signer::p256(), Signer::p256());
        let line = |signer: &Signer| {
            let pem = signer.pem();
            let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
            format!("ci {body}")
        };
        let keys = |signer: &Signer| ScanKeys::of([line(signer).as_str()]);
        let mut sealed = scan();
        sealed.signature = Some(signer.sign(statement(&sealed).as_bytes()).into());
        assert!(keys(&signer).signed(&sealed));
        assert!(!keys(&other).signed(&sealed) && !ScanKeys::default().signed(&sealed));
        assert!(!keys(&signer).signed(&scan()), "without a signature");
        let changes: [fn(&mut Scan); 8] = [
            |scan| scan.digests.clear(),
            |scan| scan.image.push('x'),
            |scan| scan.scanner.clear(),
            |scan| scan.scanned_at = None,
            |scan| scan.database_at = Some(jiff::Timestamp::UNIX_EPOCH),
            |scan| scan.truncated = true,
            |scan| scan.statements = true,
            |scan| scan.findings.clear(),
        ];
        for (i, change) in changes.into_iter().enumerate() {
            let mut other = sealed.clone();
            change(&mut other);
            assert!(!keys(&signer).signed(&other), "change {i}");
        }
        let fields: [fn(&mut Finding); 7] = [
            |found| found.name = Name::new("CVE-1", "openssl", "3.0.2"),
            |found| found.severity = Severity::Low,
            |found| found.cvss = None,
            |found| found.source = "".into(),
            |found| found.fixed = false,
            |found| found.settled = true,
            |found| found.analysed = true,
        ];
        for (i, change) in fields.into_iter().enumerate() {
            let mut other = sealed.clone();
            other.findings.iter_mut().for_each(change);
            assert!(!keys(&signer).signed(&other), "field {i}");
        }
    }

    #[test]
    fn the_order_of_what_was_found_is_of_no_interest_and_the_form_is_fixed() {
        let mut two = scan();
        let mut more = two.findings[0].clone();
        more.name = Name::new("CVE-2", "zlib", "1");
        two.findings.push(more);
        let forward = statement(&two);
        two.findings.reverse();
        assert_eq!(statement(&two), forward);
        // Signatures outlive versions of the operator.
        assert_eq!(
            statement(&scan()),
            "snc-image-scan/v1 sha256:95ebc1d573183b30d2ecb020040e7e848335e59bc6e6d4eb2cdd24ecd0f90b2c\n"
        );
    }

    #[test]
    fn a_key_that_cannot_be_read_is_named_by_its_place_and_not_quoted() {
        for line in ["", "ci", "ci AAAA", "ci -----BEGIN PRIVATE KEY----- c2VjcmV0 -----END PRIVATE KEY-----"]
        {
            let refusal = ScanKeys::read("p", &[line]).unwrap_err();
            assert!(refusal.path.starts_with("p[0]"), "{refusal:?}");
            assert!(!format!("{refusal:?}").contains("c2VjcmV0"), "{refusal:?}");
        }
    }
}
