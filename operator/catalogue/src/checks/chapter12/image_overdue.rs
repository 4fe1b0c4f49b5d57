//! ```yaml
//! id: image-overdue
//! category: images
//! requirements: [12.11.b]
//! level: Standard
//! severity: critical
//! scope: any
//! title:
//!   fr: Vulnérabilité d'une image au-delà de son délai
//!   en: Vulnerability of an image past its deadline
//! reads: [core/Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, batch/Job, batch/CronJob, secnumcloud.dev/SncImageScan, aquasecurity.github.io/VulnerabilityReport, secnumcloud.dev/SncImageLedger]
//! judges: [core/Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, batch/Job, batch/CronJob]
//! optional: [secnumcloud.dev/SncImageScan, aquasecurity.github.io/VulnerabilityReport, secnumcloud.dev/SncImageLedger]
//! parameters:
//!   - name: criticalAnalysisHours
//!     default: 24
//!     bounds: {min: 1, max: 168}
//!     stronger: lower
//!     source: guide
//!     writer: platform
//!     about:
//!       fr: Heures pour conclure sur une vulnérabilité critique (CVSS 9 ou plus).
//!       en: Hours to come to a conclusion on a critical vulnerability (CVSS 9 or more).
//!   - name: criticalHours
//!     default: 72
//!     bounds: {min: 1, max: 720}
//!     stronger: lower
//!     source: guide
//!     writer: platform
//!     about:
//!       fr: Heures pour corriger une vulnérabilité critique ; ce que personne n'a noté en est une.
//!       en: Hours to mend a critical vulnerability; what nobody rated is one.
//!   - name: highDays
//!     default: 7
//!     bounds: {min: 1, max: 90}
//!     stronger: lower
//!     source: guide
//!     writer: platform
//!     about:
//!       fr: Jours pour corriger une vulnérabilité haute (CVSS 7 à 8,9).
//!       en: Days to mend a high vulnerability (CVSS 7 to 8.9).
//!   - name: mediumDays
//!     default: 30
//!     bounds: {min: 1, max: 180}
//!     stronger: lower
//!     source: guide
//!     writer: platform
//!     about:
//!       fr: Jours pour corriger une vulnérabilité moyenne (CVSS 4 à 6,9).
//!       en: Days to mend a medium vulnerability (CVSS 4 to 6.9).
//!   - name: lowDays
//!     default: 90
//!     bounds: {min: 1, max: 365}
//!     stronger: lower
//!     source: guide
//!     writer: platform
//!     about:
//!       fr: Jours pour corriger une vulnérabilité basse (CVSS sous 4).
//!       en: Days to mend a low vulnerability (CVSS under 4).
//!   - name: vendorSeverities
//!     default: []
//!     stronger: fewer
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Sources dont la gravité passe avant le score CVSS, comme debian ou redhat ; sans elles, le pire des deux tient.
//!       en: Sources whose severity goes before the CVSS score, as debian or redhat; without them the worse of the two holds.
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
//!   fr: Reconstruire l'image sur une base corrigée et la déployer ; à défaut, une SncException avec mesure compensatoire, ou une déclaration VEX motivée.
//!   en: Rebuild the image on a mended base and deploy it; failing that, an SncException with a compensating measure, or a VEX statement with its reason.
//!   snippet: |
//!     kubectl snc image show sha256:…
//! boundary:
//!   fr: Prouve qu'aucune vulnérabilité que les analyses nomment n'est ouverte depuis plus longtemps que son délai, compté dès que l'opérateur la vit ; ne dit rien de celles que personne ne connaît.
//!   en: Proves that no vulnerability which the scans name has been open for longer than its deadline, counted from when the operator first saw it; says nothing of those that nobody knows.
//! ```

use crate::checks::World;
use crate::images::{Question, running};
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    running(world, Question::Overdue)
}
