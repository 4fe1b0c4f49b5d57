//! How long the certificates that are mounted still last.

use crate::metrics::Metrics;
use crate::settings::Settings;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use x509_parser::prelude::{FromDer as _, X509Certificate};

const EVERY: Duration = Duration::from_secs(60);
const DAY: f64 = 86_400.0;

pub(super) fn of(settings: &Settings) -> Vec<(&'static str, PathBuf)> {
    vec![
        ("intake", settings.intake_tls_dir.join("tls.crt")),
        ("serve", settings.serve_tls_dir.join("tls.crt")),
        ("client-authority", settings.client_ca.clone()),
    ]
}

pub(super) async fn watch(files: Vec<(&'static str, PathBuf)>, metrics: Arc<Metrics>) -> &'static str {
    loop {
        for (name, path) in &files {
            // None of it can be read: none of it is left.
            let days = ends(path).map_or(0.0, |end| days_until(end, jiff::Timestamp::now().as_second()));
            metrics.certificate_days.with_label_values(&[name]).set(days);
        }
        tokio::time::sleep(EVERY).await;
    }
}

#[allow(clippy::cast_precision_loss)]
fn days_until(end: i64, now: i64) -> f64 {
    (end - now) as f64 / DAY
}

/// When the first of them ends, in seconds since 1970.
fn ends(path: &Path) -> Option<i64> {
    let pem = std::fs::read(path).ok()?;
    let certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>().ok()?;
    let end = |der: &CertificateDer<'_>| {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        Some(certificate.validity().not_after.timestamp())
    };
    certificates.iter().map(end).collect::<Option<Vec<_>>>()?.into_iter().min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    #[test]
    fn the_first_that_ends_counts_and_what_is_none_is_told() {
        let place = TempDir::new().unwrap();
        let path = place.path().join("tls.crt");
        assert_eq!(ends(&path), None);
        let mut pem = String::new();
        for year in [2050, 2040, 2045] {
            let mut parameters = rcgen::CertificateParams::new(vec!["x".to_owned()]).unwrap();
            parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
            let key = rcgen::KeyPair::generate().unwrap();
            pem.push_str(&parameters.self_signed(&key).unwrap().pem());
        }
        std::fs::write(&path, &pem).unwrap();
        assert_eq!(ends(&path), Some(2_208_988_800));
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert_eq!(ends(&path), None);
    }
}
