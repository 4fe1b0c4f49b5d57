//! ```yaml
//! id: image-scan-database
//! category: images
//! requirements: [12.11.a]
//! level: Avance
//! severity: medium
//! scope: any
//! title:
//!   fr: Image analysée avec une base de vulnérabilités ancienne
//!   en: Image scanned with an old database of vulnerabilities
//! reads: [core/Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, batch/Job, batch/CronJob, secnumcloud.dev/SncImageScan, aquasecurity.github.io/VulnerabilityReport]
//! judges: [core/Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, batch/Job, batch/CronJob]
//! optional: [secnumcloud.dev/SncImageScan, aquasecurity.github.io/VulnerabilityReport]
//! parameters:
//!   - name: databaseMaxAgeHours
//!     default: 24
//!     bounds: {min: 1, max: 744}
//!     stronger: lower
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Âge de la base, en heures, au moment de l'analyse.
//!       en: Age of the database, in hours, at the time of the scan.
//!   - name: maxAgeHours
//!     default: 720
//!     bounds: {min: 1, max: 744}
//!     stronger: lower
//!     source: guide
//!     writer: platform
//!     about:
//!       fr: Âge, en heures, à partir duquel une analyse ne vaut plus ; le guide demande une analyse par mois au moins.
//!       en: Age, in hours, from which a scan is worth nothing any more; the guide asks for one a month at least.
//!   - name: trustedReports
//!     default: false
//!     stronger: "false"
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Que seule la plateforme écrit les VulnerabilityReport de Trivy Operator ; sinon ils n'accusent que, sans rien prouver.
//!       en: That the platform alone writes the VulnerabilityReports of Trivy Operator; else they accuse only, and prove nothing.
//!   - name: scanKeys
//!     default: []
//!     stronger: fewer
//!     source: product
//!     writer: platform
//!     about:
//!       fr: « nom clé » pour chaque clé publique dont la signature fait valoir l'analyse qu'un tenant importe chez lui ; sans elle, cette analyse n'accuse que.
//!       en: '"name key" for each public key whose signature makes a scan count that a tenant imports into its own namespace; without one such a scan accuses only.'
//! remediation:
//!   fr: Mettre à jour la base (ou son miroir hors ligne) avant chaque analyse, et en dire la date à l'import si le rapport ne la porte pas.
//!   en: Update the database (or its offline mirror) before each scan, and tell its date at the import where the report does not carry it.
//!   snippet: |
//!     kubectl snc image import report.json --database-updated-at 2026-11-20T06:00:00Z
//! boundary:
//!   fr: Prouve l'âge que le rapport ou l'import annoncent ; ne dit pas ce que la base ignore.
//!   en: Proves the age that the report or the import tells; does not say what the database does not know.
//! ```

use crate::checks::World;
use crate::images::{Question, running};
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    running(world, Question::Database)
}
