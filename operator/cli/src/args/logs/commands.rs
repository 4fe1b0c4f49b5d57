//! What each command of `logs` and `alarms` is and how it ends.

use super::place::{place_arguments, sink_arguments, store_arguments};
use super::{LIMIT, MANAGED, MOST};
use crate::args::command::localized;
use crate::args::subcommands::sub;
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Arg, ArgAction, Command, value_parser};
use snc_audit::flags::Distribution;
use snc_core::lang::Lang;
use std::path::PathBuf;

fn text(id: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(id).long(id).value_name(value).value_parser(NonEmptyStringValueParser::new()).help(help)
}

fn path(id: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(id).long(id).value_name(value).value_parser(value_parser!(PathBuf)).help(help)
}

fn flag(id: &'static str, help: &'static str) -> Arg {
    Arg::new(id).long(id).action(ArgAction::SetTrue).help(help)
}

pub fn logs(lang: Lang) -> Command {
    let gaps = sub(
        "gaps",
        lang,
        (
            "Les trous du journal : depuis quand, jusqu'à quand, et pourquoi",
            "The gaps of the log: since when, until when, and why",
        ),
        (
            "Avec --tenant, comme un tenant les voit : sans les noms des serveurs.\n1 : un trou n'est pas comblé. 3 : le puits ne répond pas.",
            "With --tenant, as a tenant sees them: without the servers' names.\n1: a gap is not filled. 3: the sink does not answer.",
        ),
        "table|json|yaml|csv|md",
    )
    .arg(platform(lang));
    let status = sub(
        "status",
        lang,
        (
            "L'état du puits d'audit : sources, trous, scellement, sonde, rétention",
            "The state of the audit sink: sources, gaps, sealing, probe, retention",
        ),
        (
            "1 : le journal n'est pas complet, ou une alarme est en retard. 3 : on ne peut pas conclure.",
            "1: the log is not complete, or an alarm is overdue. 3: it cannot be told.",
        ),
        "table|json|yaml",
    );
    localized(Command::new("logs"), lang)
        .about(lang.str(
            "Le journal d'audit : lire, exporter, vérifier, et la politique qui le remplit",
            "The audit log: read, export, verify, and the policy that fills it",
        ))
        .subcommand_required(true)
        .subcommands([
            verify(lang),
            query(lang),
            export(lang),
            sink_arguments(gaps, lang),
            sink_arguments(status, lang),
            policy(lang),
            flags(lang),
        ])
}

fn verify(lang: Lang) -> Command {
    let verify = sub(
        "verify",
        lang,
        (
            "Vérifie un dépôt ou un export, sans cluster : rien de changé, retiré, déplacé, coupé ni ramené en arrière",
            "Verifies a store or an export, without a cluster: nothing changed, removed, moved, cut or rolled back",
        ),
        (
            "1 : un enregistrement, un segment ou une tête n'est pas ce qui fut scellé. 3 : rien de tel, mais la fin n'est pas prouvée (--anchor) ou une partie est illisible.\nSans --trusted-key, la première clé du dépôt est crue sur parole : comparez l'empreinte affichée à celle que vous avez reçue par ailleurs.",
            "1: a record, a segment or a head is not what was sealed. 3: nothing of that kind, but the end is not proven (--anchor) or a part cannot be read.\nWithout --trusted-key the store's first key is taken at its word: compare the fingerprint shown with the one that you were given otherwise.",
        ),
        "table|json|yaml|md",
    )
    .arg(Arg::new("kept").value_name("DIR|s3://BUCKET/PREFIX").value_parser(NonEmptyStringValueParser::new()).help(
        lang.str("Dépôt du journal", "Store of the log"),
    ))
    .arg(path("export", "DIR|TAR", lang.str("Export d'un tenant avec preuve", "Export of a tenant with its proof")))
    .arg(
        text(
            "anchor",
            "STORE|FILE",
            lang.str(
                "Têtes gardées ailleurs : un autre dépôt (répertoire, s3://…) ou un fichier de lignes syslog ; plusieurs possibles",
                "Heads kept elsewhere: another store (directory, s3://…) or a file of syslog lines; several may be given",
            ),
        )
        .action(ArgAction::Append),
    )
    .arg(text(
        "trusted-key",
        "FINGERPRINT",
        lang.str("Empreinte d'une clé reçue par ailleurs", "Fingerprint of a key that you were given otherwise"),
    ));
    store_arguments(verify, lang)
}

fn platform(lang: Lang) -> Arg {
    flag("platform", lang.str("Ce qui n'est à aucun tenant", "What belongs to no tenant"))
}

fn times(command: Command, lang: Lang) -> Command {
    command
        .arg(text(
            "since",
            "TIME|24h",
            lang.str(
                "Depuis (RFC 3339, ou une durée avant maintenant)",
                "From (RFC 3339, or a duration before now)",
            ),
        ))
        .arg(text(
            "until",
            "TIME|1h",
            lang.str(
                "Jusqu'à, exclu (RFC 3339, ou une durée avant maintenant)",
                "Until, excluded (RFC 3339, or a duration before now)",
            ),
        ))
        .arg(platform(lang))
}

fn query(lang: Lang) -> Command {
    let query = sub(
        "query",
        lang,
        (
            "Cherche dans le journal d'un tenant ou de la plateforme",
            "Searches the log of a tenant or of the platform",
        ),
        (
            "--tenant, --platform ou -n NAMESPACE ; un utilisateur de tenant ne lit que ce qui est à son tenant.\n3 : le puits ne répond pas ou n'a pas pu tout lire.",
            "--tenant, --platform or -n NAMESPACE; a tenant's user reads only what is its tenant's.\n3: the sink does not answer, or could not read all of it.",
        ),
        "table|json|yaml|jsonl|csv|md",
    );
    let query = times(query, lang)
        .arg(text(
            "user",
            "USER",
            lang.str("Utilisateur, tel que le serveur d'API le nomme", "User, as the API server names it"),
        ))
        .arg(text("verb", "VERB", lang.str("Verbe : get, create, delete, …", "Verb: get, create, delete, …")))
        .arg(text(
            "resource",
            "RESOURCE",
            lang.str("Ressource : pods, secrets, …", "Resource: pods, secrets, …"),
        ))
        .arg(text(
            "subresource",
            "NAME",
            lang.str("Sous-ressource : exec, log, …", "Subresource: exec, log, …"),
        ))
        .arg(text("name", "NAME", lang.str("Nom de l'objet", "Name of the object")))
        .arg(
            Arg::new("code")
                .long("code")
                .value_name("CODE")
                .value_parser(value_parser!(u16).range(100..=599))
                .help(lang.str("Code de la réponse : 200, 403, …", "Code of the answer: 200, 403, …")),
        )
        .arg(
            Arg::new("limit").long("limit").value_name("N").value_parser(value_parser!(u64).range(1..)).help(
                lang.pick(
                    || {
                        format!(
                            "Nombre d'enregistrements au plus ({LIMIT} par défaut, {MOST} hors jsonl et csv)"
                        )
                    },
                    || format!("Records at most ({LIMIT} by default, {MOST} other than jsonl and csv)"),
                ),
            ),
        )
        .arg(flag("all", lang.str("Tous, avec -o jsonl ou csv", "All of them, with -o jsonl or csv")));
    place_arguments(query, lang)
}

fn export(lang: Lang) -> Command {
    let formats = "jsonl|csv";
    let export = localized(Command::new("export"), lang)
        .about(lang.str(
            "Exporte le journal d'un tenant, avec sa preuve si on la demande",
            "Exports the log of a tenant, with its proof where that is asked for",
        ))
        .after_help(lang.str(
            "Avec --with-proof : les segments entiers du tenant, leurs manifestes, les clés et le chemin jusqu'à la tête, vérifiés à l'arrivée ; kubectl snc logs verify --export les vérifie sans cluster.\n1 : ce qui est arrivé n'est pas ce qui fut scellé. 3 : tout n'a pas pu être lu ; le fichier garde alors le suffixe .partial.",
            "With --with-proof: the tenant's whole segments, their manifests, the keys and the path to the head, verified on arrival; kubectl snc logs verify --export verifies them without a cluster.\n1: what arrived is not what was sealed. 3: not all could be read; the file then keeps the suffix .partial.",
        ))
        .arg(
            Arg::new("output")
                .short('o')
                .value_name(formats)
                .value_parser(PossibleValuesParser::new(formats.split('|').collect::<Vec<_>>()))
                .default_value("jsonl")
                .hide_default_value(true)
                .hide_possible_values(true)
                .help(lang.str("Format (jsonl par défaut)", "Format (jsonl by default)")),
        )
        .arg(
            path("to", "FILE|DIR", lang.str("Où l'écrire ; sinon la sortie standard", "Where to write it; else standard output"))
                .long("output"),
        )
        .arg(flag(
            "with-proof",
            lang.str(
                "Avec de quoi le vérifier : --output RÉPERTOIRE ou FICHIER.tar",
                "With what verifies it: --output DIRECTORY or FILE.tar",
            ),
        ));
    place_arguments(times(export, lang), lang)
}

fn policy(lang: Lang) -> Command {
    sub(
        "policy",
        lang,
        (
            "La politique d'audit à donner au serveur d'API, ou le jugement d'une autre",
            "The audit policy to give to the API server, or the judgement of another",
        ),
        (
            "Sans --check ni --diff, le fichier lui-même. 1 : un événement obligatoire manque à --check, ou --diff diffère. 2 : le fichier n'est pas une politique d'audit.",
            "Without --check and --diff, the file itself. 1: a mandatory event is missing from --check, or --diff differs. 2: the file is no audit policy.",
        ),
        "table|json|yaml|md",
    )
    .arg(path(
        "wishes",
        "FILE",
        lang.str("Règles plus strictes de tenants, à joindre", "Stricter rules of tenants, to be joined in"),
    ))
    .arg(path("check", "FILE", lang.str("Politique à juger ; - pour l'entrée standard", "Policy to judge; - for standard input")))
    .arg(path(
        "diff",
        "FILE",
        lang.str("Politique à comparer à celle-ci ; - pour l'entrée standard", "Policy to compare with this one; - for standard input"),
    ))
}

fn flags(lang: Lang) -> Command {
    let distributions: Vec<&str> =
        Distribution::ALL.iter().map(|one| one.as_str()).chain([MANAGED]).collect();
    sub(
        "flags",
        lang,
        (
            "Les options à donner au serveur d'API, et où, selon la distribution",
            "The flags to give to the API server, and where, by distribution",
        ),
        (
            "Rien n'est lu ni changé dans le cluster.",
            "Nothing is read or changed in the cluster.",
        ),
        "table|json|yaml|md",
    )
    .arg(
        Arg::new("distribution")
            .long("distribution")
            .value_name("kubeadm|k3s|rke2|openshift|managed|…")
            .value_parser(PossibleValuesParser::new(distributions))
            .hide_possible_values(true)
            .required(true)
            .help(lang.str(
                "Ce qui fait tourner le serveur d'API ; managed : eks, gke, aks et ovh, qui se nomment aussi seuls",
                "What runs the API server; managed: eks, gke, aks and ovh, which can be named alone as well",
            )),
    )
    .arg(
        Arg::new("only")
            .long("only")
            .value_name("file|webhook")
            .value_parser(PossibleValuesParser::new(["file", "webhook"]))
            .hide_possible_values(true)
            .help(lang.str("L'une des deux sorties seulement", "One of the two outputs only")),
    )
}

pub fn alarms(lang: Lang) -> Command {
    let list = sub(
        "alarms",
        lang,
        (
            "Les alarmes du journal d'audit, et leur acquittement",
            "The alarms of the audit log, and their acknowledgement",
        ),
        (
            "Avec --tenant : celles qui parlent d'un événement de ce tenant.\n1 : une alarme n'a pas été acquittée à temps. 3 : le puits ne répond pas.",
            "With --tenant: those that speak of an event of that tenant.\n1: an alarm was not acknowledged in time. 3: the sink does not answer.",
        ),
        "table|json|yaml|csv|md",
    )
    .arg(platform(lang))
    .arg(flag("open", lang.str("Celles que personne n'a acquittées (par défaut)", "Those that nobody has acknowledged (by default)")))
    .arg(flag("overdue", lang.str("Celles dont le délai est passé", "Those past their time")))
    .arg(flag("all", lang.str("Toutes, acquittées comprises", "All, acknowledged ones included")));
    let acknowledge = sub(
        "acknowledge",
        lang,
        (
            "Acquitte une alarme : qui l'a vue, et ce qui fut décidé, restent au journal",
            "Acknowledges an alarm: who saw it, and what was decided, stay in the log",
        ),
        (
            "Une personne en répond : un ServiceAccount est refusé.\n2 : aucune alarme de ce numéro, ou elle est déjà acquittée.",
            "A person answers for it: a ServiceAccount is refused.\n2: no alarm of that number, or it is acknowledged already.",
        ),
        "table|json|yaml",
    )
    .arg(Arg::new("id").value_name("ID").value_parser(NonEmptyStringValueParser::new()).required(true).help(
        lang.str("Alarme, telle que kubectl snc alarms la nomme", "Alarm, as kubectl snc alarms names it"),
    ))
    .arg(
        text(
            "decision",
            "TEXT",
            lang.str("Ce qui fut constaté et décidé", "What was found and decided"),
        )
        .required(true),
    );
    sink_arguments(list, lang)
        .subcommand(sink_arguments(acknowledge, lang))
        .args_conflicts_with_subcommands(true)
}
