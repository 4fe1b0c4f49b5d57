//! ```yaml
//! id: image-scanned
//! category: images
//! requirements: [12.11.a, 12.10.c, 12.4.a]
//! level: Standard
//! severity: high
//! scope: any
//! title:
//!   fr: Image qui tourne sans analyse récente
//!   en: Running image without a recent scan
//! reads: [core/Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, batch/Job, batch/CronJob, secnumcloud.dev/SncImageScan, aquasecurity.github.io/VulnerabilityReport]
//! judges: [core/Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, batch/Job, batch/CronJob]
//! optional: [secnumcloud.dev/SncImageScan, aquasecurity.github.io/VulnerabilityReport]
//! parameters:
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
//!   fr: Analyser l'image et importer le rapport dans le namespace de l'opérateur, à chaque construction puis à intervalle régulier.
//!   en: Scan the image and import the report into the operator's namespace, at each build and then at regular intervals.
//!   snippet: |
//!     trivy image --format json -o report.json r.example/shop/app@sha256:…
//!     kubectl snc image import report.json --digest sha256:… -n snc-system
//! boundary:
//!   fr: Prouve qu'un rapport de la plateforme, assez récent, vise l'empreinte qui tourne ; ne prouve ni que l'analyseur voit tout, ni qu'il a tout lu de l'image.
//!   en: Proves that a report of the platform's, recent enough, is about the digest that runs; proves neither that the scanner knows everything nor that it read all of the image.
//! ```

use crate::checks::World;
use crate::images::{Question, running};
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    running(world, Question::Scanned)
}
