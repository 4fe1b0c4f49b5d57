//! ```yaml
//! id: storageclass-encryption
//! category: crypto
//! requirements: [10.1.a, 19.4.a, 11.9.a]
//! level: Essentiel
//! severity: high
//! scope: platform
//! title:
//!   fr: Classe de stockage sans chiffrement
//!   en: Storage class without encryption
//! reads: [storage.k8s.io/StorageClass]
//! parameters:
//!   - name: attested
//!     default: []
//!     stronger: fewer
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Classes dont le chiffrement, invisible ici, est prouvé par une attestation.
//!       en: Classes whose encryption, unseen here, is proved by an attestation.
//!   - name: encryptedTypes
//!     default: []
//!     stronger: fewer
//!     source: product
//!     writer: platform
//!     about:
//!       fr: Types de volume Cinder et politiques vSphere qui chiffrent.
//!       en: Cinder volume types and vSphere policies that encrypt.
//! remediation:
//!   fr: Créer une classe qui chiffre et y migrer les volumes ; les paramètres d'une classe ne se modifient pas.
//!   en: Make a class that encrypts and migrate the volumes to it; a class's parameters are immutable.
//!   snippet: |
//!     apiVersion: storage.k8s.io/v1
//!     kind: StorageClass
//!     metadata: {name: encrypted}
//!     provisioner: rook-ceph.rbd.csi.ceph.com
//!     parameters: {encrypted: "true", encryptionKMSID: vault-shop}
//! boundary:
//!   fr: Prouve que la classe demande à son pilote de chiffrer avec une clé nommée ou par volume ; ne dit rien de l'algorithme, de qui tient la clé, ni des volumes créés avant elle ou sans classe.
//!   en: Proves that the class asks its driver to encrypt, under a named key or one per volume; says nothing of the algorithm, of who holds the key, nor of volumes made before it or without a class.
//! ```

use crate::checks::World;
use snc_core::facts::StorageClass;
use snc_core::verdict::{Outcome, Subject};

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let classes = world.snapshot.storage_classes.iter();
    classes.map(|(subject, class)| (subject.clone(), judge(world, subject, class))).collect()
}

/// What decides, and whether it is as it should be; none where the driver's parameters do not say.
struct Sign<'c> {
    parameter: &'c str,
    encrypts: Option<bool>,
}

fn judge(world: &World<'_>, subject: &Subject, class: &StorageClass) -> Outcome {
    if world.settings.strings("attested").contains(&subject.name.as_str()) {
        return Outcome::pass();
    }
    let Sign { parameter, encrypts } = sign(class, &world.settings.strings("encryptedTypes"));
    let provisioner = &class.provisioner;
    let value = class.parameters.get(parameter).map_or("", String::as_str);
    match encrypts {
        Some(true) => Outcome::pass(),
        Some(false) => Outcome::fail(
            format!("les volumes ne sont pas chiffrés sous une clé du prestataire ({provisioner}) : parameters.{parameter} = {value}"),
            format!("volumes are not encrypted under one of the provider's keys ({provisioner}): parameters.{parameter} = {value}"),
        )
        .at(format!("parameters.{parameter}")),
        None => Outcome::unknown(
            format!("les paramètres de {provisioner} ne disent pas si les volumes sont chiffrés ; à attester"),
            format!("the parameters of {provisioner} do not say whether volumes are encrypted; to be attested"),
        ),
    }
}

fn sign<'c>(class: &'c StorageClass, encrypted_types: &[&str]) -> Sign<'c> {
    let get = |name: &str| class.parameters.get(name).map_or("", String::as_str);
    let flag = |parameter| Sign { parameter, encrypts: Some(get(parameter).eq_ignore_ascii_case("true")) };
    let key = |parameter| Sign { parameter, encrypts: Some(!get(parameter).is_empty()) };
    // What cannot be looked up in the cluster is encrypted only where somebody said so.
    let typed =
        |parameter| Sign { parameter, encrypts: encrypted_types.contains(&get(parameter)).then_some(true) };
    let provisioner = class.provisioner.as_str();
    let ceph = ["rbd.csi.ceph.com", "cephfs.csi.ceph.com"];
    if ceph.iter().any(|driver| provisioner == *driver || provisioner.ends_with(&format!(".{driver}"))) {
        return flag("encrypted");
    }
    match provisioner {
        "ebs.csi.aws.com"
        | "kubernetes.io/aws-ebs"
        | "driver.longhorn.io"
        | "csi.scaleway.com"
        | "bsu.csi.outscale.com" => flag("encrypted"),
        // Both clouds encrypt by themselves, under keys of their own.
        "pd.csi.storage.gke.io" | "kubernetes.io/gce-pd" => key("disk-encryption-kms-key"),
        "disk.csi.azure.com" | "kubernetes.io/azure-disk" => {
            let written =
                class.parameters.keys().find(|name| name.eq_ignore_ascii_case("diskEncryptionSetID"));
            key(written.map_or("diskEncryptionSetID", String::as_str))
        }
        "cinder.csi.openstack.org" | "kubernetes.io/cinder" => typed("type"),
        "csi.vsphere.vmware.com" => typed("storagepolicyname"),
        _ => Sign { parameter: "", encrypts: None },
    }
}
