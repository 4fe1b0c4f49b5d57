//! ```yaml
//! id: image-signed
//! category: images
//! requirements: [12.10.a, 12.4.a]
//! level: Avance
//! severity: high
//! scope: any
//! title:
//!   fr: Image qui tourne sans signature d'une clé déclarée
//!   en: Running image without a signature by a declared key
//! reads: [core/Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, batch/Job, batch/CronJob]
//! judges: [core/Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, batch/Job, batch/CronJob]
//! parameters:
//!   - name: keys
//!     default: []
//!     stronger: fewer
//!     source: product
//!     writer: platform
//!     about:
//!       fr: « endroit nom clé » pour chaque clé publique — l'endroit est un registre ou un dossier de registre, le nom celui que disent les verdicts, la clé ce qui tient entre les lignes de son fichier PEM.
//!       en: '"place name key" for each public key: the place is a registry or a folder of one, the name what verdicts say, the key what stands between the lines of its PEM file.'
//! remediation:
//!   fr: Signer l'empreinte avec la clé privée de qui publie, et déclarer la clé publique pour ce registre ; sans clé déclarée, aucune image ne compte pour signée.
//!   en: Sign the digest with the private key of whoever publishes, and declare the public key for that registry; without a declared key no image counts as signed.
//!   snippet: |
//!     cosign sign --key cosign.key --use-signing-config=false --tlog-upload=false r.example/shop/app@sha256:…
//!     # keys: ["r.example/shop release MFkwEwYHKoZIzj0C…"]
//! boundary:
//!   fr: Prouve que la clé déclarée pour ce registre a signé l'empreinte, d'après le registre lui-même ; ne dit ni quand, ni ce que contient l'image, ni que la clé n'a pas été volée.
//!   en: Proves that the key declared for this registry signed the digest, by what the registry itself serves; says neither when, nor what the image holds, nor that the key was not stolen.
//! ```

use crate::checks::World;
use crate::images;
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    images::signed(world)
}
