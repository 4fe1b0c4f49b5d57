//! ```yaml
//! id: audit-log-probe
//! category: logging
//! requirements: [12.6.b, 12.8.b]
//! level: Essentiel
//! severity: critical
//! scope: platform
//! title:
//!   fr: Sonde du journal d'audit non revenue
//!   en: Probe of the audit log that did not come back
//! reads: [secnumcloud.dev/SncAuditLog]
//! remediation:
//!   fr: Suivre la chaîne depuis le serveur d'API, options --audit-*, webhook ou lecteur de fichier, jusqu'à snc-audit-sink, dont le journal nomme la sonde.
//!   en: Follow the chain from the API server, flags --audit-*, webhook or file reader, to snc-audit-sink, whose own log names the probe.
//!   snippet: |
//!     kubectl get sncauditlog cluster -o jsonpath='{.status.probe}'
//!     kubectl logs -n snc-system statefulset/snc-audit-sink
//! boundary:
//!   fr: Prouve qu'un appel marqué est revenu par la chaîne, horodaté, dans le délai demandé ; par le serveur d'API qui l'a servi, et non par chacun. Ne prouve pas que tout autre événement passe.
//!   en: Proves that a marked call came back through the chain, with its time, within the limit that is asked for; through the API server that served it, and not through each. Does not prove that every other event gets through.
//! ```

use crate::audit_log::judged;
use crate::checks::World;
use snc_core::facts::AuditLog;
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    judged(world, AuditLog::probe)
}
