//! What each command is and how it ends.

use super::command::localized;
use super::{image, logs, reach, scan, status, who};
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command};
use snc_core::lang::Lang;

pub fn all(lang: Lang) -> Vec<Command> {
    let mut all = of_isolation(lang);
    all.extend(of_catalogue(lang));
    all.extend([logs::logs(lang), logs::alarms(lang)]);
    all
}

fn of_isolation(lang: Lang) -> Vec<Command> {
    vec![
        status::arguments(
            sub(
                "status",
                lang,
                (
                    "État des tenants et des namespaces, tel que l'opérateur l'a écrit",
                    "State of tenants and namespaces, as the operator wrote it",
                ),
                (
                    "1 : un namespace n'est pas comme il devrait (Ready, NetworkPolicyEffective, NetworkIsolated ou la revendication n'est pas True ; Unknown compte).\nUn statut plus ancien que l'objet qu'il décrit est montré Unknown.\nAvec --requirements, 1 : une exigence n'est pas conforme, quoi que --state montre ; -o csv|md y valent aussi.",
                    "1: a namespace is not as it should be (Ready, NetworkPolicyEffective, NetworkIsolated or its claim is not True; Unknown counts).\nA status older than the object that it describes is shown as Unknown.\nWith --requirements, 1: a requirement is not compliant, whatever --state shows; -o csv|md hold there, too.",
                ),
                "table|json|yaml|csv|md",
            ),
            lang,
        ),
        sub(
            "plan",
            lang,
            (
                "Ce que l'opérateur changerait maintenant, en diff",
                "What the operator would change now, as a diff",
            ),
            (
                "Pour un namespace seulement observé : ce que ferait adoption: Enforce.\n0 : rien à changer. 1 : des changements sont à venir.",
                "For a namespace that is only observed: what adoption: Enforce would do.\n0: nothing to change. 1: changes are pending.",
            ),
            "diff|json|yaml",
        ),
        sub(
            "flows",
            lang,
            ("Matrice des flux (exigence 13.1)", "Flow matrix (requirement 13.1)"),
            (
                "1 : un flux est refusé, même en partie, ou sa revue a plus de douze mois.",
                "1: a flow is refused, even in part, or its review is older than twelve months.",
            ),
            "table|json|md|yaml",
        ),
        sub(
            "preflight",
            lang,
            (
                "Ce que le cluster offre de ce sur quoi l'isolation repose",
                "What the cluster has of what isolation stands on",
            ),
            (
                "Ne modifie rien : des droits sont demandés, des pods sont essayés (dry-run).\n1 : il manque quelque chose (--lockout : une requête serait refusée). 3 : rien ne manque à ce qu'on voit, mais tout ne se voit pas.",
                "Changes nothing: rights are asked about, pods are tried (dry run).\n1: something is missing (--lockout: a request would be refused). 3: nothing is missing as far as can be seen, but not all can be seen.",
            ),
            "table|json|yaml",
        )
        .arg(Arg::new("lockout").long("lockout").action(ArgAction::SetTrue).help(lang.str(
            "Ce qui reviendrait, ou non, si aucun webhook ne répondait : pods système, nœuds, baux, opérateur",
            "What would come back, or not, with no webhook answering: system pods, nodes, leases, operator",
        ))),
        reach::arguments(
            sub(
                "reach",
                lang,
                (
                    "Qui peut joindre qui, d'après les NetworkPolicy du cluster ou de manifestes",
                    "Who can reach whom, by the NetworkPolicies of the cluster or of manifests",
                ),
                (
                    "Avec -n ou --tenant : les connexions dont une extrémité y est.\n1 : le changement ouvre quelque chose (--diff ; voir --fail-on). 3 : une réponse ne peut pas être décidée.",
                    "With -n or --tenant: the connections with an end there.\n1: the change opens something (--diff; see --fail-on). 3: an answer cannot be decided.",
                ),
                "table|json|yaml|dot|svg|md",
            ),
            lang,
        ),
    ]
}

fn of_catalogue(lang: Lang) -> Vec<Command> {
    vec![
        scan::scan_arguments(
            sub(
                "scan",
                lang,
                (
                    "Juge des manifestes par le catalogue, sans cluster ni réseau",
                    "Judges manifests by the catalogue, with no cluster and no network",
                ),
                (
                    "1 : un contrôle échoue à la gravité de --fail-on ou au-dessus. 2 : une entrée est illisible ; le reste est jugé quand même.",
                    "1: a control fails at the severity of --fail-on or above. 2: some input cannot be read; the rest is judged all the same.",
                ),
                "table|json|yaml|sarif|junit|csv|md|openreports",
            ),
            lang,
        ),
        scan::judging_arguments(
            sub(
                "audit",
                lang,
                (
                    "Juge un cluster par le catalogue, avec vos droits et sans l'opérateur",
                    "Judges a cluster by the catalogue, with your rights and without the operator",
                ),
                (
                    "Les contrôles de portée tenant jugent tout namespace hors kube-* et hors de l'opérateur.\n1 : un contrôle échoue. 3 : quelque chose n'a pas pu être lu, et les contrôles qui le lisent sont inconnus.",
                    "Controls of scope tenant judge every namespace but kube-* and the operator's.\n1: a control fails. 3: something could not be read, and the controls that read it are unknown.",
                ),
                "table|json|yaml|sarif|junit|csv|md|openreports",
            ),
            lang,
        ),
        sub(
            "exceptions",
            lang,
            (
                "Les exceptions : qui exempte quoi, jusqu'à quand, et si cela sert",
                "The exceptions: who waives what, until when, and whether it is of use",
            ),
            (
                "Avec -n : celles d'un objet de ce namespace.\n1 : une exception finit sous 14 jours, n'exempte rien qui échoue, ou n'est pas valable. 3 : une exception est illisible.",
                "With -n: those of an object of that namespace.\n1: an exception ends within 14 days, waives nothing that fails, or is not valid. 3: an exception cannot be read.",
            ),
            "table|json|yaml",
        ),
        who::arguments(
            sub(
                "who-can-disable",
                lang,
                (
                    "Qui peut désactiver l'application des règles, et par quelle liaison RBAC",
                    "Who can switch enforcement off, and by which RBAC binding",
                ),
                (
                    "Lit les rôles et les liaisons, ne modifie rien.\n1 : quelqu'un d'autre que --expect le peut. 3 : une partie de RBAC n'a pas pu être lue.",
                    "Reads roles and bindings, changes nothing.\n1: somebody else than --expect can. 3: a part of RBAC could not be read.",
                ),
                "table|json|yaml",
            ),
            lang,
        ),
        image::command(lang),
        sub(
            "controls",
            lang,
            ("Les contrôles du catalogue", "The controls of the catalogue"),
            ("Un contrôle en entier : kubectl snc explain ID.", "A control in full: kubectl snc explain ID."),
            "table|json|yaml|md",
        ),
        sub(
            "requirements",
            lang,
            (
                "Les 287 exigences de SecNumCloud 3.2 et leurs contrôles",
                "The 287 requirements of SecNumCloud 3.2 and their controls",
            ),
            (
                "Résumées dans nos propres mots ; seul le texte de l'ANSSI fait foi.",
                "Summarised in our own words; only ANSSI's text is binding.",
            ),
            "table|json|yaml",
        ),
        scan::id_argument(
            sub(
                "explain",
                lang,
                ("Un contrôle ou une exigence, en entier", "A control or a requirement, in full"),
                (
                    "2 : aucun contrôle ni exigence de ce nom.",
                    "2: no control and no requirement of that name.",
                ),
                "table|json|yaml",
            ),
            lang,
        ),
    ]
}

pub(super) fn sub(
    name: &'static str,
    lang: Lang,
    about: (&'static str, &'static str),
    after: (&'static str, &'static str),
    formats: &'static str,
) -> Command {
    let first = formats.split('|').next().unwrap_or_default();
    let output = Arg::new("output")
        .long("output")
        .short('o')
        .value_name(formats)
        .value_parser(PossibleValuesParser::new(formats.split('|').collect::<Vec<_>>()))
        .default_value(first)
        .hide_default_value(true)
        .hide_possible_values(true)
        .help(
            lang.pick(|| format!("Format ({first} par défaut)"), || format!("Format ({first} by default)")),
        );
    localized(Command::new(name), lang)
        .about(lang.str(about.0, about.1))
        .after_help(lang.str(after.0, after.1))
        .arg(output)
}
