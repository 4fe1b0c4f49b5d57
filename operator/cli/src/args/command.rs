use super::subcommands;
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Arg, ArgAction, Command, value_parser};
use snc_core::lang::Lang;
use std::path::PathBuf;

/// Built by hand rather than derived: help is said in the reader's language.
pub fn command(lang: Lang) -> Command {
    let heading = lang.str("Options communes", "Common options");
    let common = |arg: Arg| arg.global(true).help_heading(heading);
    let name = |id: &'static str, value: &'static str, fr: &'static str, en: &'static str| {
        let parser = NonEmptyStringValueParser::new();
        let arg = Arg::new(id).long(id).value_name(value).value_parser(parser).hide_default_value(true);
        common(arg.help(lang.str(fr, en)))
    };
    localized(Command::new("kubectl-snc"), lang)
        .bin_name("kubectl snc")
        .version(env!("CARGO_PKG_VERSION"))
        .about(lang.str(
            "Isolation et conformité SecNumCloud des namespaces, vues depuis kubectl",
            "SecNumCloud isolation and compliance of namespaces, seen from kubectl",
        ))
        .after_help(lang.str(
            "Codes de sortie : 0 tout va bien, 1 constats, 2 entrée ou usage incorrect, 3 impossible de décider.\nQuand plusieurs valent, 2 passe avant 1, et 1 avant 3. Toutes les raisons sont sur la sortie d'erreur.",
            "Exit codes: 0 fine, 1 findings, 2 bad input or usage, 3 could not decide.\nWhen several hold, 2 comes before 1, and 1 before 3. All reasons are on stderr.",
        ))
        .subcommand_required(true)
        .arg(version(lang))
        .arg(name(
            "namespace",
            "NAMESPACE",
            "Ce namespace seulement",
            "This namespace only",
        ).short('n'))
        .arg(name("tenant", "TENANT", "Les namespaces de ce tenant seulement", "The namespaces of this tenant only"))
        .arg(common(
            Arg::new("all-namespaces")
                .long("all-namespaces")
                .short('A')
                .action(ArgAction::SetTrue)
                .help(lang.str("Tous les namespaces, comme sans rien dire", "All namespaces, as when nothing is said")),
        ))
        .arg(common(
            Arg::new("lang")
                .long("lang")
                .value_name("fr|en")
                .value_parser(PossibleValuesParser::new(["fr", "en"]))
                .hide_possible_values(true)
                .help(lang.str("Langue ; sinon LC_ALL, puis LANG", "Language; else LC_ALL, then LANG")),
        ))
        .arg(name("context", "NAME", "Contexte du kubeconfig", "Context of the kubeconfig"))
        .arg(common(
            Arg::new("kubeconfig").long("kubeconfig").value_name("FILE").value_parser(value_parser!(PathBuf)).help(
                lang.str("Fichier kubeconfig ; sinon KUBECONFIG, puis ~/.kube/config", "Kubeconfig file; else KUBECONFIG, then ~/.kube/config"),
            ),
        ))
        .arg(
            name(
                "operator-namespace",
                "NAMESPACE",
                "Namespace de l'opérateur (snc-system)",
                "Namespace of the operator (snc-system)",
            )
            .default_value(snc_core::names::OPERATOR_NAMESPACE),
        )
        .arg(
            name(
                "operator-service-account",
                "NAME",
                "ServiceAccount de l'opérateur (snc-controller)",
                "ServiceAccount of the operator (snc-controller)",
            )
            .default_value("snc-controller"),
        )
        .arg(
            name(
                "canary-namespace",
                "NAMESPACE",
                "Namespace témoin de l'opérateur (snc-canary)",
                "Canary namespace of the operator (snc-canary)",
            )
            .default_value("snc-canary"),
        )
        .subcommands(subcommands::all(lang))
}

/// Everything that clap would say in English by itself.
pub fn localized(command: Command, lang: Lang) -> Command {
    let help = Arg::new("help")
        .long("help")
        .short('h')
        .action(ArgAction::Help)
        .help(lang.str("Affiche cette aide", "Print this help"));
    command
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .disable_version_flag(true)
        .subcommand_help_heading(lang.str("Commandes", "Commands"))
        .subcommand_value_name(lang.str("COMMANDE", "COMMAND"))
        .next_help_heading("Options")
        .arg(help)
        .help_template(lang.str(
            "{about-with-newline}\nUsage : {usage}\n\n{all-args}{after-help}",
            "{about-with-newline}\nUsage: {usage}\n\n{all-args}{after-help}",
        ))
}

fn version(lang: Lang) -> Arg {
    Arg::new("version")
        .long("version")
        .short('V')
        .action(ArgAction::Version)
        .help(lang.str("Affiche la version", "Print the version"))
}
