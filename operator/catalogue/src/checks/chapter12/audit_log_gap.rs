//! ```yaml
//! id: audit-log-gap
//! category: logging
//! requirements: [12.6.b]
//! level: Essentiel
//! severity: critical
//! scope: platform
//! title:
//!   fr: Trou dans le journal d'audit
//!   en: Gap in the audit log
//! reads: [secnumcloud.dev/SncAuditLog]
//! remediation:
//!   fr: Rétablir la source nommée ; le fichier du serveur d'API comble ensuite le trou. Ce qu'aucun fichier n'a plus est perdu, et se justifie par une SncException datée.
//!   en: Restore the source that is named; the API server's file then fills the gap. What no file has any more is lost, and is accounted for by an SncException with its date.
//!   snippet: |
//!     kubectl get sncauditlog cluster -o jsonpath='{.status.gaps}{"\n"}{.status.sources}'
//! boundary:
//!   fr: Prouve que snc-audit-sink ne sait d'aucun événement manquant entre le serveur d'API et lui, et que chaque serveur d'API déclaré est entendu ; ne dit rien de ce qu'un serveur d'API non déclaré écrit, ni de ce que la politique d'audit écarte.
//!   en: Proves that snc-audit-sink knows of no event missing between the API server and itself, and that every declared API server is heard; says nothing of what an API server that is not declared writes, nor of what the audit policy leaves out.
//! ```

use crate::audit_log::judged;
use crate::checks::World;
use snc_core::facts::AuditLog;
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    judged(world, AuditLog::gap)
}
