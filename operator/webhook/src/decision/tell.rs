//! The texts of a decision. Bounded, whatever somebody wrote into an object.

use super::{Finding, Said, Standing};
use snc_catalogue::Object;
use snc_core::lang::Lang;
use snc_core::text::{Text, clip};
use std::fmt::Write;

/// Of what one control says.
const MESSAGE: usize = 400;
/// Of a whole refusal; beyond it, controls are named only.
const REFUSAL: usize = 24 * 1024;
const PATHS: usize = 5;
/// The API server cuts longer ones when there are many.
const WARNING: usize = 256;
const ANNOTATION: usize = 4096;

pub fn not_judged(why: &Text, lang: Lang) -> String {
    lang.pick(
        || {
            format!(
                "snc-webhook : impossible de juger cet objet ({}) ; réessayer dans un instant. Si cela dure : \
                 kubectl get pods -n NAMESPACE_DE_L_OPERATEUR",
                why.fr
            )
        },
        || {
            format!(
                "snc-webhook: this object cannot be judged ({}); try again in a moment. If it lasts: \
                 kubectl get pods -n OPERATOR_NAMESPACE",
                why.en
            )
        },
    )
}

pub fn refusal(refused: &[&Finding<'_>], object: &Object, standing: &Standing, lang: Lang) -> String {
    let (count, subject, level) =
        (refused.len(), clip(&object.subject.to_string(), 300), standing.profile.level);
    let mut text = lang.pick(
        || match count {
            1 => format!("1 contrôle refuse {subject} (niveau {level}) :"),
            _ => format!("{count} contrôles refusent {subject} (niveau {level}) :"),
        },
        || match count {
            1 => format!("1 control refuses {subject} (level {level}):"),
            _ => format!("{count} controls refuse {subject} (level {level}):"),
        },
    );
    for finding in refused {
        let id = &finding.control.id;
        if text.len() > REFUSAL {
            // Writing to a string does not fail.
            let _ = write!(text, "\n- {id}");
            continue;
        }
        let said = said(finding, lang);
        text.push_str(&lang.pick(
            || format!("\n- {id} : {said} (corriger : kubectl snc explain {id})"),
            || format!("\n- {id}: {said} (to fix it: kubectl snc explain {id})"),
        ));
    }
    text
}

pub fn warning(finding: &Finding<'_>, lang: Lang) -> String {
    let (id, said) = (&finding.control.id, said(finding, lang));
    let hint = format!(" (kubectl snc explain {id})");
    let passed = finding.said == Said::Bypassed;
    let passed = if passed { lang.str("(passé outre) ", "(let through all the same) ") } else { "" };
    let start = lang.pick(|| format!("{passed}{id} : "), || format!("{passed}{id}: "));
    let room = WARNING.saturating_sub(start.chars().count() + hint.chars().count());
    format!("{start}{}{hint}", clip(&said, room))
}

/// A warning is a header line.
pub fn warning_line(text: &str) -> String {
    clip(&text.replace(['\n', '\r'], " "), WARNING)
}

pub fn annotation(text: &str) -> String {
    clip(text, ANNOTATION)
}

/// The message, and where, unless the message says it.
fn said(finding: &Finding<'_>, lang: Lang) -> String {
    let outcome = &finding.outcome;
    let message = clip(&outcome.message.get(lang).replace(['\n', '\r'], " "), MESSAGE);
    let unsaid: Vec<String> =
        outcome.paths.iter().filter(|path| !message.contains(path.as_str())).map(|p| clip(p, 200)).collect();
    let unknown = lang.pick(|| "impossible à juger : ", || "cannot be judged: ");
    let start = if finding.said == Said::Unknown { unknown } else { "" };
    let paths = match unsaid.len() {
        0 => String::new(),
        n if n > PATHS => format!(" [{}, … {n}]", unsaid[..PATHS].join(", ")),
        _ => format!(" [{}]", unsaid.join(", ")),
    };
    format!("{start}{message}{paths}")
}
