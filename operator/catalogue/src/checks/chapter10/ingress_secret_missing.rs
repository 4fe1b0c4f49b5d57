//! ```yaml
//! id: ingress-secret-missing
//! category: crypto
//! requirements: [10.2.c]
//! level: Standard
//! severity: medium
//! scope: any
//! title:
//!   fr: Certificat d'Ingress introuvable
//!   en: Ingress certificate not found
//! reads: [networking.k8s.io/Ingress, core/Secret]
//! judges: [networking.k8s.io/Ingress]
//! remediation:
//!   fr: Créer le Secret du certificat dans le namespace de l'Ingress, ou le faire émettre.
//!   en: Make the certificate's Secret in the namespace of the Ingress, or have it issued.
//!   snippet: |
//!     kubectl --namespace shop create secret tls shop-tls --cert=tls.crt --key=tls.key
//! boundary:
//!   fr: Prouve qu'un Secret TLS de ce nom existe ; ne dit rien du certificat, car les données des Secrets ne sont jamais lues.
//!   en: Proves that a TLS Secret of this name exists; says nothing of the certificate, since the data of Secrets are never read.
//! ```

use crate::checks::World;
use snc_core::facts::Ingress;
use snc_core::verdict::{Outcome, Subject};

/// Whoever wears one of these gets its Secret from an issuer, sooner or later.
const ISSUED: [&str; 4] = [
    "cert-manager.io/cluster-issuer",
    "cert-manager.io/issuer",
    "kubernetes.io/tls-acme",
    "cert.gardener.cloud/purpose",
];

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let ingresses = world.snapshot.ingresses.iter();
    ingresses.map(|(subject, ingress)| (subject.clone(), judge(world, subject, ingress))).collect()
}

fn judge(world: &World<'_>, subject: &Subject, ingress: &Ingress) -> Outcome {
    let type_of = |name: &str| {
        let secret = Subject::new("v1", "Secret", &subject.namespace, name);
        world.snapshot.secrets.get(&secret).map(|secret| secret.type_.as_str())
    };
    let mut missing = Vec::new();
    let mut named = false;
    for (at, tls) in ingress.spec.tls.iter().enumerate().filter(|(_, tls)| !tls.secret_name.is_empty()) {
        named = true;
        match type_of(&tls.secret_name) {
            Some("kubernetes.io/tls") => {}
            found => missing.push((format!("spec.tls[{at}].secretName"), &tls.secret_name, found)),
        }
    }
    if !named {
        return Outcome::not_applicable();
    }
    if missing.is_empty() {
        return Outcome::pass();
    }
    let told: Vec<String> = missing
        .iter()
        .map(|(path, name, found)| format!("{path} = {name} [{}]", found.unwrap_or("-")))
        .collect();
    let told = told.join(", ");
    let awaited = ISSUED.iter().any(|key| ingress.metadata.annotations.contains_key(*key));
    let said = if awaited && missing.iter().all(|(_, _, found)| found.is_none()) {
        Outcome::unknown(
            format!("le certificat n'est pas encore émis : {told}"),
            format!("the certificate is not issued yet: {told}"),
        )
    } else {
        Outcome::fail(
            format!("le contrôleur sert son certificat par défaut, faute d'un Secret TLS : {told}"),
            format!("the controller serves its default certificate for lack of a TLS Secret: {told}"),
        )
    };
    missing.into_iter().fold(said, |said, (path, _, _)| said.at(path))
}
