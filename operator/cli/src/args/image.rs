//! What `image` is asked.

use super::subcommands::sub;
use super::text_of;
use crate::outcome::Outcome;
use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use jiff::Timestamp;
use snc_core::image::Digest;
use snc_core::lang::Lang;
use snc_core::text::Refusal;
use snc_plan::objects::image_scan::Besides;
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq)]
pub enum ImageArgs {
    Import {
        files: Vec<PathBuf>,
        besides: Besides,
        signature: Option<PathBuf>,
        dry_run: bool,
    },
    /// The line to sign.
    Statement {
        file: PathBuf,
        besides: Besides,
    },
    List,
    Show(Digest),
    /// Of these, or of what runs.
    Verdict(Vec<Digest>),
}

pub fn command(lang: Lang) -> Command {
    let one =
        |id: &'static str, name: &'static str, value: &'static str, fr: &'static str, en: &'static str| {
            let parser = NonEmptyStringValueParser::new();
            Arg::new(id).long(name).value_name(value).value_parser(parser).help(lang.str(fr, en))
        };
    let import = sub(
        "import",
        lang,
        ("Lit les rapports d'analyse et les range dans le cluster", "Reads scan reports and puts them into the cluster"),
        (
            "Lit Trivy JSON, VulnerabilityReport de Trivy Operator, Grype JSON, CycloneDX JSON, OpenVEX et SARIF.\nDans le namespace de l'opérateur, le rapport est la parole de la plateforme ; ailleurs, il accuse et ne prouve rien.\n2 : un fichier n'est pas un rapport d'analyse, et l'endroit est dit.",
            "Reads Trivy JSON, VulnerabilityReports of Trivy Operator, Grype JSON, CycloneDX JSON, OpenVEX and SARIF.\nIn the operator's namespace a report is the platform's word; elsewhere it accuses and proves nothing.\n2: a file is no scan report, and the place is told.",
        ),
        "table|json|yaml",
    )
    .arg(
        Arg::new("file")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .num_args(1..)
            .required(true)
            .help(lang.str("Rapports ; - pour l'entrée standard", "Reports; - for standard input")),
    )
    .arg(one(
        "signature",
        "signature",
        "FILE",
        "Signature de ce qu'affiche `image statement` (cosign sign-blob, openssl), pour le namespace d'un tenant",
        "Signature of what `image statement` prints (cosign sign-blob, openssl), for a tenant's namespace",
    ).value_parser(value_parser!(PathBuf)))
    .arg(Arg::new("dry-run").long("dry-run").action(ArgAction::SetTrue).help(lang.str(
        "Lit et montre seulement, sans cluster",
        "Reads and shows only, without a cluster",
    )));
    let statement = sub(
        "statement",
        lang,
        (
            "La ligne à signer pour qu'une analyse vaille chez un tenant",
            "The line to sign so that a scan counts in a tenant's namespace",
        ),
        (
            "Signée par une clé que la plateforme nomme (scanKeys), l'analyse importée avec --signature vaut dans son namespace.\nLes options --digest, --scanned-at et --database-updated-at sont celles de l'import.",
            "Signed by a key that the platform names (scanKeys), a scan imported with --signature counts in its namespace.\nThe options --digest, --scanned-at and --database-updated-at are those of the import.",
        ),
        "table",
    )
    .arg(
        Arg::new("file")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .required(true)
            .help(lang.str("Rapport ; - pour l'entrée standard", "Report; - for standard input")),
    );
    let [import, statement] = [import, statement].map(|command| besides(command, lang));
    let list = sub(
        "list",
        lang,
        ("Les analyses d'images du cluster", "The scans of images in the cluster"),
        ("Une image en détail : kubectl snc image show.", "An image in detail: kubectl snc image show."),
        "table|json|yaml",
    );
    let show = sub(
        "show",
        lang,
        (
            "Une image : ses analyses, ses vulnérabilités et leurs délais",
            "An image: its scans, its vulnerabilities and their deadlines",
        ),
        (
            "1 : un délai est dépassé. 3 : on ne peut pas conclure.",
            "1: a deadline is past. 3: it cannot be told.",
        ),
        "table|json|yaml",
    )
    .arg(digest_argument(lang).required(true));
    let verdict = sub(
        "verdict",
        lang,
        (
            "Le verdict sur les images qui tournent, ou sur celles-ci",
            "The verdict on the images that run, or on these",
        ),
        (
            "1 : un délai est dépassé. 3 : on ne peut pas conclure.",
            "1: a deadline is past. 3: it cannot be told.",
        ),
        "table|json|yaml",
    )
    .arg(digest_argument(lang).num_args(0..));
    super::command::localized(Command::new("image"), lang)
        .about(lang.str(
            "Les images : importer des analyses, voir ce qui tourne et ce qui est en retard",
            "Images: import scans, see what runs and what is overdue",
        ))
        .subcommand_required(true)
        .subcommands([import, statement, list, show, verdict])
}

/// What is said of a report besides.
fn besides(command: Command, lang: Lang) -> Command {
    let one = |id: &'static str, value: &'static str, fr: &'static str, en: &'static str| {
        let parser = NonEmptyStringValueParser::new();
        Arg::new(id).long(id).value_name(value).value_parser(parser).help(lang.str(fr, en))
    };
    command
        .arg(
            one(
                "digest",
                "sha256:…",
                "Empreinte de l'image, que le rapport la dise ou non",
                "Digest of the image, whether the report tells it or not",
            )
            .action(ArgAction::Append),
        )
        .arg(one(
            "scanned-at",
            "TIME",
            "Quand l'image fut analysée (RFC 3339), si le rapport ne le dit pas",
            "When the image was scanned (RFC 3339), where the report does not say",
        ))
        .arg(one(
            "database-updated-at",
            "TIME",
            "Date de la base de vulnérabilités (RFC 3339), si le rapport ne la dit pas",
            "Date of the database of vulnerabilities (RFC 3339), where the report does not say",
        ))
}

fn digest_argument(lang: Lang) -> Arg {
    Arg::new("of")
        .value_name("DIGEST")
        .value_parser(NonEmptyStringValueParser::new())
        .help(lang.str("sha256:… ; image@sha256:… aussi", "sha256:…; image@sha256:…, too"))
}

pub fn read(name: &str, matches: &ArgMatches, lang: Lang) -> Result<ImageArgs, Outcome> {
    let refused = |refusal: Refusal| Outcome::bad_input(refusal.message(lang));
    let digest = |path: &str, text: &String| {
        let bare = text.rsplit_once('@').map_or(text.as_str(), |(_, digest)| digest);
        Digest::read(path, bare).map_err(refused)
    };
    let time = |id: &str| match text_of(matches, id) {
        None => Ok(None),
        Some(text) => text.parse::<Timestamp>().map(Some).map_err(|_| {
            let path = format!("--{id}");
            refused(Refusal::new(
                path,
                text,
                "une date RFC 3339, comme 2026-11-20T08:00:00Z",
                "an RFC 3339 date, as 2026-11-20T08:00:00Z",
            ))
        }),
    };
    let besides = || {
        let digests = matches.get_many::<String>("digest").into_iter().flatten();
        Ok(Besides {
            digests: digests.map(|text| digest("--digest", text)).collect::<Result<_, _>>()?,
            scanned_at: time("scanned-at")?,
            database_updated_at: time("database-updated-at")?,
            signature: None,
        })
    };
    let mut files = matches.try_get_many::<PathBuf>("file").ok().flatten().into_iter().flatten().cloned();
    Ok(match name {
        "import" => ImageArgs::Import {
            files: files.collect(),
            besides: besides()?,
            signature: matches.get_one::<PathBuf>("signature").cloned(),
            dry_run: matches.get_flag("dry-run"),
        },
        "statement" => ImageArgs::Statement { file: files.next().unwrap_or_default(), besides: besides()? },
        "list" => ImageArgs::List,
        _ => {
            let given = matches.get_many::<String>("of").into_iter().flatten();
            let mut all = given.map(|text| digest("DIGEST", text)).collect::<Result<Vec<_>, _>>()?;
            if name == "verdict" { ImageArgs::Verdict(all) } else { ImageArgs::Show(all.remove(0)) }
        }
    })
}
