use super::{Aside, What};

/// French, English.
pub(super) const fn of(what: What) -> (&'static str, &'static str) {
    match what {
        What::HeadMissing
        | What::HeadChanged
        | What::HeadOutOfChain
        | What::HeadRootWrong
        | What::HeadWentBack
        | What::HeadContradicts
        | What::AnchorUnreadable
        | What::AnchorContradicts
        | What::RolledBack => of_heads(what),
        What::KeyMissing => ("la clé publique manque", "the public key is missing"),
        What::KeyChanged => {
            ("la déclaration de clé a été modifiée", "the statement about the key was changed")
        }
        What::KeyNotInChain => (
            "la clé n'est pas signée par celle qui la précède : rien de ce qu'elle signe ne compte",
            "the key is not signed by the one before it: nothing that it signs counts",
        ),
        What::KeyFork => {
            ("deux clés se disent successeurs de la même", "two keys claim to follow the same one")
        }
        What::NotTrusted => (
            "la clé à laquelle vous faites confiance n'est pas de ce journal",
            "the key that you trust is not one of this log",
        ),
        What::SignerUnknown => ("signé par une clé inconnue", "signed by an unknown key"),
        What::SignatureInvalid => ("la signature est fausse", "the signature is wrong"),
        What::SignedOutsideValidity => (
            "signé avec une clé hors de sa période de validité",
            "signed with a key outside the time in which it was valid",
        ),
        What::ManifestMissing => {
            ("le manifeste du segment a été retiré", "the manifest of the segment was removed")
        }
        What::ManifestChanged => ("le manifeste a été modifié", "the manifest was changed"),
        What::ManifestOutOfChain => (
            "le manifeste ne fait pas suite au précédent : l'un des deux a été remplacé",
            "the manifest does not follow the one before it: one of them was replaced",
        ),
        What::ManifestUntrue => (
            "les chiffres du manifeste ne sont pas ceux du segment",
            "the figures of the manifest are not those of the segment",
        ),
        What::SegmentMissing => (
            "le segment a été retiré sans que sa conservation soit échue",
            "the segment was removed though its retention was not over",
        ),
        What::SegmentChanged => ("le segment a été modifié", "the segment was changed"),
        What::IndexMissing => ("l'index a été retiré", "the index was removed"),
        What::IndexChanged => ("l'index a été modifié", "the index was changed"),
        What::IndexUntrue => (
            "l'index signé n'est pas celui de ces enregistrements : des recherches en passent sous silence",
            "the signed index is not that of these records: queries pass over some of them",
        ),
        What::PackChanged => (
            "le recueil de manifestes diffère des manifestes",
            "the pack of manifests differs from the manifests",
        ),
        What::RecordsUnreadable => ("enregistrements illisibles", "records cannot be read"),
        What::RecordChanged => ("enregistrement modifié", "record changed"),
        What::RecordRemoved => ("enregistrement retiré", "record removed"),
        What::RecordMoved => ("enregistrement déplacé", "record moved"),
        What::RecordAdded => ("enregistrement ajouté", "record added"),
        What::TombstoneChanged => {
            ("la mention d'échéance a été modifiée", "the note that its time was over was changed")
        }
        What::ExpiredEarly => {
            ("supprimé avant l'échéance de sa conservation", "deleted before its retention was over")
        }
        What::FileUnreadable => {
            ("illisible, ou dans une forme inattendue", "cannot be read, or has another form than it should")
        }
        What::FileUnexpected => ("fichier étranger à cet export", "a file that is no part of this export"),
        What::FileMissing => ("le fichier manque dans l'export", "the file is missing from the export"),
        What::RecordsDiffer => (
            "la liste des enregistrements n'est pas celle des segments",
            "the list of records is not that of the segments",
        ),
        What::ProofWrong => (
            "le chemin de Merkle ne mène pas à la racine du relevé signé",
            "the Merkle path does not lead to the root of the signed head",
        ),
    }
}

const fn of_heads(what: What) -> (&'static str, &'static str) {
    match what {
        What::HeadMissing => ("le relevé signé a été retiré", "the signed head was removed"),
        What::HeadChanged => ("le relevé signé a été modifié", "the signed head was changed"),
        What::HeadOutOfChain => (
            "le relevé ne fait pas suite au précédent : l'un des deux a été remplacé",
            "the head does not follow the one before it: one of them was replaced",
        ),
        What::HeadRootWrong => (
            "les segments que nomme le relevé ne donnent pas sa racine de Merkle",
            "the segments that the head names do not give its Merkle root",
        ),
        What::HeadWentBack => (
            "une partition y a moins de segments que dans un relevé antérieur",
            "a partition has fewer segments in it than in an earlier head",
        ),
        What::HeadContradicts => (
            "le manifeste n'est plus celui que le relevé a constaté",
            "the manifest is no longer the one that the head was signed over",
        ),
        What::AnchorUnreadable => ("l'ancre est illisible", "the anchor cannot be read"),
        What::AnchorContradicts => (
            "le relevé n'est pas celui qui a été ancré : le journal a été réécrit",
            "the head is not the one that was anchored: the log was written anew",
        ),
        _ => (
            "ancré, et absent du stockage : la fin a été coupée ou un état antérieur remis en place",
            "anchored, and not in the store: its end was cut off or an older state put back",
        ),
    }
}

pub(super) const fn aside(what: Aside) -> (&'static str, &'static str) {
    match what {
        Aside::Unfinished => (
            "reste d'un segment jamais achevé ; le prochain prendra sa place",
            "left over from a segment that was never finished; the next one takes its place",
        ),
        Aside::NotYetDeleted => (
            "sa conservation est échue et il est encore là ; la prochaine purge l'ôtera",
            "its retention is over and it is still there; the next expiry removes it",
        ),
        Aside::NoHead => (
            "aucun relevé signé ne connaît encore cette partition : rien ne dit où elle finit",
            "no signed head knows this partition yet: nothing says where it ends",
        ),
        Aside::Foreign => ("n'est pas un objet de ce journal", "is not an object of this log"),
    }
}
