//! ```yaml
//! id: audit-log-policy
//! category: logging
//! requirements: [12.6.a, 12.6.b]
//! level: Essentiel
//! severity: high
//! scope: platform
//! title:
//!   fr: Politique d'audit incomplète
//!   en: Incomplete audit policy
//! reads: [secnumcloud.dev/SncAuditLog]
//! remediation:
//!   fr: Donner aux serveurs d'API la politique que l'opérateur génère, puis les redémarrer.
//!   en: Give the API servers the policy that the operator generates, then restart them.
//!   snippet: |
//!     snc-operator audit-policy > /etc/kubernetes/audit-policy.yaml
//! boundary:
//!   fr: Prouve que les événements vus ne montrent aucune règle obligatoire qui manque ; une règle dont aucun appel n'a encore relevé n'est pas vue.
//!   en: Proves that the events which were seen show no mandatory rule missing; a rule that no call came under yet is not seen.
//! ```

use crate::audit_log::judged;
use crate::checks::World;
use snc_core::facts::AuditLog;
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    judged(world, AuditLog::policy)
}
