//! ```yaml
//! id: audit-log-same-machine
//! category: logging
//! requirements: [12.7.c]
//! level: Essentiel
//! severity: high
//! scope: platform
//! title:
//!   fr: Journal d'audit gardé sur la machine qui le produit
//!   en: Audit log kept on the machine that produces it
//! reads: [secnumcloud.dev/SncAuditLog]
//! remediation:
//!   fr: Donner à snc-audit-sink un stockage objet, hors du cluster et sur d'autres machines, avec verrou d'objets.
//!   en: Give snc-audit-sink an object store, outside of the cluster and on other machines, with object lock.
//!   snippet: |
//!     helm upgrade snc-operator … --set auditLog.store.url=s3://journaux/cluster-1
//! boundary:
//!   fr: Prouve que les enregistrements vont à un stockage objet ; ne prouve pas sur quelles machines il est, ce qu'une attestation de son hébergement doit dire.
//!   en: Proves that records go to an object store; does not prove on which machines it is, which an attestation of where it is hosted has to say.
//! ```

use crate::audit_log::judged;
use crate::checks::World;
use snc_core::audit::unsaid;
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    judged(world, |log| {
        match log.status.store.as_ref().map(|store| store.kind.as_str()) {
        Some("S3") => Outcome::pass(),
        Some("Volume") => Outcome::fail(
            "le journal est sur un volume de la machine qui l'écrit : 12.7.c veut des serveurs centraux dédiés, sur une autre machine physique",
            "the log is on a volume of the machine that writes it: 12.7.c wants dedicated central servers, on another physical machine",
        )
        .at("status.store.kind"),
        _ => unsaid("store.kind"),
    }
    })
}
