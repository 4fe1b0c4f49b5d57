//! `SncImageScan` of a report: what it found, as far as there is room, and what it is about.

use kube::core::ObjectMeta;
use serde::Deserialize as _;
use snc_api::v1alpha1::{
    ImageDigests, MANIFESTS, ScanCounts, ScanNature, ScannerDatabase, ScannerVersion, SncImageScan,
    SncImageScanSpec,
};
use snc_core::facts::ImageScan;
use snc_core::image::{Digest, Vulnerability};
use snc_core::text::Refusal;
use snc_images::report::{Counts, Nature, Report};
use snc_images::signature::statement;

/// So many findings fit, and no more than so many bytes of them.
const MOST: usize = 4000;
const ROOM: usize = 900_000;

/// What whoever imports a report knows besides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Besides {
    pub digests: Vec<Digest>,
    pub scanned_at: Option<jiff::Timestamp>,
    pub database_updated_at: Option<jiff::Timestamp>,
    /// Of the statement of the scan, in base64.
    pub signature: Option<String>,
}

/// The line whose signature makes the scan count in a tenant's namespace.
pub fn statement_of(scan: &SncImageScan) -> Result<String, serde_json::Error> {
    let ImageScan(scan) = ImageScan::deserialize(serde_json::to_value(scan)?)?;
    Ok(statement(&scan))
}

/// Equal reports give equal objects. What was said besides goes before what the report says.
pub fn image_scan(namespace: &str, report: &Report, besides: &Besides) -> Result<SncImageScan, Refusal> {
    let config = report.artifact.config.clone();
    let of_report = report.artifact.digests.iter().filter(|digest| Some(*digest) != config.as_ref());
    let mut manifests: Vec<Digest> = Vec::new();
    for digest in besides.digests.iter().chain(of_report) {
        if !manifests.contains(digest) && Some(digest) != config.as_ref() {
            manifests.push(digest.clone());
        }
    }
    if manifests.len() > MANIFESTS {
        return Err(Refusal::new(
            "digests",
            manifests.len().to_string(),
            format!("au plus {MANIFESTS}"),
            format!("at most {MANIFESTS}"),
        ));
    }
    let Some(named) = manifests.first().or(config.as_ref()) else {
        return Err(Refusal::new(
            "artifact.digests",
            "",
            "une empreinte : le rapport n'en donne pas, --digest la dit",
            "a digest: the report gives none, --digest tells it",
        ));
    };
    let scanner = slug(&report.scanner.name);
    let suffix = if report.nature == Nature::Vex && scanner != "vex" { "-vex" } else { "" };
    let hex = named.hex().get(..64).unwrap_or_default();
    let name = format!("{}-{hex}-{scanner}{suffix}", named.algorithm());
    let (vulnerabilities, truncated) = kept(&report.vulnerabilities);
    let Counts { critical, high, medium, low, unknown } = report.counts;
    let updated_at = besides
        .database_updated_at
        .or_else(|| report.database.as_ref().and_then(|database| database.updated_at));
    let version = report.database.as_ref().map(|database| database.version.clone()).unwrap_or_default();
    let database =
        (updated_at.is_some() || !version.is_empty()).then_some(ScannerDatabase { version, updated_at });
    let spec = SncImageScanSpec {
        image: report.artifact.name.clone(),
        digests: ImageDigests { index: None, manifests, config },
        scanner: ScannerVersion {
            name: report.scanner.name.clone(),
            version: report.scanner.version.clone(),
        },
        database,
        nature: match report.nature {
            Nature::Scan => ScanNature::Scan,
            Nature::Vex => ScanNature::Vex,
        },
        format: report.format.as_str().to_owned(),
        format_version: report.format_version.clone(),
        scanned_at: besides.scanned_at.or(report.scanned_at),
        counts: ScanCounts { critical, high, medium, low, unknown },
        vulnerabilities,
        truncated,
        signature: besides.signature.clone(),
    };
    let metadata =
        ObjectMeta { name: Some(name), namespace: Some(namespace.to_owned()), ..ObjectMeta::default() };
    Ok(SncImageScan { metadata, spec })
}

/// As names of objects are written.
fn slug(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let all: String = text.chars().map(plain).take(40).collect();
    let trimmed = all.trim_matches('-');
    if trimmed.is_empty() { "scanner".to_owned() } else { trimmed.to_owned() }
}

/// The worst come first.
fn kept(all: &[Vulnerability]) -> (Vec<Vulnerability>, bool) {
    let mut room = ROOM;
    let mut kept = Vec::new();
    for found in all.iter().take(MOST) {
        let found = Vulnerability { locations: Vec::new(), ..found.clone() };
        let needs = serde_json::to_string(&found).map_or(usize::MAX, |text| text.len() + 1);
        if needs > room {
            break;
        }
        room -= needs;
        kept.push(found);
    }
    let truncated = kept.len() < all.len();
    (kept, truncated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report(findings: usize) -> Report {
        let found: Vec<_> = (0..findings)
            .map(|n| json!({"VulnerabilityID": format!("CVE-2026-{n:05}"), "PkgName": "é".repeat(200), "InstalledVersion": "1", "Severity": "LOW"}))
            .collect();
        let document = json!({"SchemaVersion": 2, "ArtifactName": "r.example/app:1", "ArtifactType": "container_image",
            "CreatedAt": "2026-11-20T08:00:00Z", "Metadata": {"ImageID": format!("sha256:{}", "c".repeat(64)),
            "RepoDigests": [format!("r.example/app@sha256:{}", "a".repeat(64))]},
            "Results": [{"Target": "x", "Vulnerabilities": found}]});
        let text = document.to_string();
        snc_images::readers::read(|| Ok(text.as_bytes()), snc_images::readers::Limits::default())
            .unwrap()
            .remove(0)
    }

    #[test]
    fn it_is_named_by_what_it_is_about() {
        let object = image_scan("ci", &report(1), &Besides::default()).unwrap();
        assert_eq!(
            object.metadata.name.as_deref(),
            Some(format!("sha256-{}-trivy", "a".repeat(64)).as_str())
        );
        assert_eq!(object.spec.digests.all().count(), 2);
        let given = Besides {
            digests: vec![Digest::parse(&format!("sha256:{}", "b".repeat(64))).unwrap()],
            ..Besides::default()
        };
        let object = image_scan("ci", &report(1), &given).unwrap();
        assert_eq!(
            object.metadata.name.as_deref(),
            Some(format!("sha256-{}-trivy", "b".repeat(64)).as_str())
        );
        assert_eq!(object.spec.digests.all().count(), 3);
        let mut nameless = report(1);
        nameless.artifact = snc_images::report::Artifact::default();
        assert!(
            image_scan("ci", &nameless, &Besides::default()).unwrap_err().accepted.en.contains("--digest")
        );
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let object = image_scan("ci", &report(5000), &Besides::default()).unwrap();
        assert!(object.spec.truncated && object.spec.vulnerabilities.len() < 4000);
        assert_eq!(object.spec.counts.low, 5000);
        assert!(serde_json::to_string(&object).unwrap().len() < 1_000_000);
        assert!(!image_scan("ci", &report(10), &Besides::default()).unwrap().spec.truncated);
    }

    #[test]
    fn names_of_scanners_are_names() {
        for (given, slugged) in
            [("Trivy", "trivy"), ("Équipe Sécu", "quipe-s-cu"), ("--", "scanner"), ("", "scanner")]
        {
            assert_eq!(slug(given), slugged);
        }
    }
}
