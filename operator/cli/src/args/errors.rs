use clap::error::{ContextKind, ContextValue, ErrorKind};
use snc_core::lang::Lang;

/// What is wrong with the command line, in the reader's language.
pub fn text(error: &clap::Error, command: &mut clap::Command, lang: Lang) -> String {
    let context = |kind| error.get(kind).map(plain).filter(|text| !text.is_empty());
    let argument = context(ContextKind::InvalidArg).unwrap_or_default();
    let value = context(ContextKind::InvalidValue);
    let what = match (error.kind(), value) {
        (ErrorKind::InvalidValue | ErrorKind::ValueValidation, Some(value)) => lang.pick(
            || format!("valeur refusée pour {argument} : {value:?}"),
            || format!("value refused for {argument}: {value:?}"),
        ),
        (ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::TooFewValues, None) => {
            lang.pick(|| format!("{argument} demande une valeur"), || format!("{argument} needs a value"))
        }
        (ErrorKind::UnknownArgument, _) => {
            lang.pick(|| format!("argument inconnu : {argument}"), || format!("unknown argument: {argument}"))
        }
        (ErrorKind::InvalidSubcommand, _) => {
            let given = context(ContextKind::InvalidSubcommand).unwrap_or_default();
            lang.pick(|| format!("commande inconnue : {given}"), || format!("unknown command: {given}"))
        }
        (ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, _) => {
            lang.str("commande absente", "no command given").to_owned()
        }
        (ErrorKind::ArgumentConflict, _) => lang.pick(
            || format!("argument donné deux fois : {argument}"),
            || format!("argument given twice: {argument}"),
        ),
        (ErrorKind::InvalidUtf8, _) => {
            lang.str("argument qui n'est pas du texte UTF-8", "argument that is not UTF-8 text").to_owned()
        }
        (kind, _) => lang.pick(
            || format!("ligne de commande refusée ({kind:?}) {argument}"),
            || format!("command line refused ({kind:?}) {argument}"),
        ),
    };
    let mut text = what;
    let valid = [ContextKind::ValidValue, ContextKind::ValidSubcommand];
    if let Some(valid) = valid.into_iter().find_map(context) {
        text += &lang.pick(|| format!("\naccepté : {valid}"), || format!("\naccepted: {valid}"));
    }
    let near = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    if let Some(near) = near.into_iter().find_map(context) {
        text += &lang.pick(|| format!("\npeut-être : {near}"), || format!("\nperhaps: {near}"));
    }
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let help = "kubectl snc --help";
    text + &lang
        .pick(|| format!("\nusage : {usage}\naide : {help}"), || format!("\nusage: {usage}\nhelp: {help}"))
}

fn plain(value: &ContextValue) -> String {
    match value {
        ContextValue::String(text) => text.clone(),
        ContextValue::Strings(list) => list.join(", "),
        other => other.to_string(),
    }
}
