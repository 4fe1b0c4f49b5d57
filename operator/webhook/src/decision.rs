//! What becomes of an object that is written: let through, warned of, or refused with everything that is wrong.

mod ratchet;
mod standing;
mod tell;

pub use standing::{Standing, Whose, whose};

use crate::across::{self, Others, Written};
use crate::review::{Answer, Operation, Refusal, Request};
use serde_json::Value;
use snc_catalogue::{Admission, Object};
use snc_core::control::{Category, Control};
use snc_core::lang::Lang;
use snc_core::text::Text;
use snc_core::tier::{Measure, Mode};
use snc_core::verdict::{Outcome, Subject, Verdict};
use snc_core::waiver::{Waivers, roots};
use snc_plan::webhook::ACROSS;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What decisions rest on.
pub struct Known<'a> {
    pub admission: &'a Admission,
    pub lang: Lang,
    pub whose: Whose,
    /// Whether the API server asks for a namespace where something is enforced. It counts where the mode itself is not
    /// known.
    pub strict: bool,
    pub waivers: &'a Waivers,
    /// Whom refusals of workloads do not hold up.
    pub bypass_group: Option<&'a str>,
    /// Or why nothing is known of them.
    pub others: Result<Others<'a>, Text>,
}

/// What somebody counts: which control, what it said, and the mode that governs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Empty for one of the platform's own: their names are no closed set.
    pub control: String,
    pub verdict: Said,
    pub mode: Mode,
}

/// How a control that does not pass is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    Fail,
    Unknown,
    /// Let through for the group that is let past.
    Bypassed,
    /// Waived.
    Exempt,
    /// Wrong before, and left as it was.
    Unchanged,
}

impl Said {
    pub const ALL: [Self; 5] = [Self::Fail, Self::Unknown, Self::Bypassed, Self::Exempt, Self::Unchanged];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "Fail",
            Self::Unknown => "Unknown",
            Self::Bypassed => "Bypassed",
            Self::Exempt => "Exempt",
            Self::Unchanged => "Unchanged",
        }
    }
}

/// One control that does not pass.
struct Finding<'a> {
    control: &'a Control,
    custom: bool,
    /// The group that is let past is not held up by it.
    passable: bool,
    mode: Mode,
    said: Said,
    outcome: Arc<Outcome>,
    /// The exception under which it is waived.
    waiver: Option<&'a str>,
}

#[derive(Debug, Default)]
pub struct Decision {
    pub answer: Answer,
    pub counted: Vec<Counted>,
}

impl Decision {
    fn of(answer: Answer) -> Self {
        Self { answer, counted: Vec::new() }
    }
}

pub fn decide(request: Request, known: &Known<'_>) -> Decision {
    if matches!(request.operation, Operation::Delete | Operation::Connect) {
        return Decision::default();
    }
    let Request { operation, api_version, kind, object, old_object, namespace, username, groups, .. } =
        request;
    let passes = known.bypass_group.is_some_and(|group| groups.iter().any(|of| of == group));
    let kind = Subject::new(&api_version, &kind, &namespace, "").kind_key();
    let unseen = passes && !ACROSS.contains(&kind.as_str());
    let standing = match &known.whose {
        Whose::Tenant(standing) => standing,
        Whose::Nobody => return Decision::default(),
        Whose::Unknown(why) => return Decision::of(unknown(why, unseen, known)),
    };
    let Some(object) = Object::new(object) else {
        let why = Text::new("objet sans nom", "an object without a name");
        return Decision::of(unknown(&why, unseen, known));
    };
    let old = Some(old_object).filter(|_| operation == Operation::Update).and_then(Object::new);
    if old.as_ref().is_some_and(|old| ratchet::says_the_same(&object.body, &old.body)) {
        return Decision::default();
    }
    let written = Written {
        tenant: &standing.tenant,
        namespace: &namespace,
        object: &object.body,
        before: old.as_ref().map_or(&Value::Null, |old| &old.body),
    };
    let mut findings = found(standing, &object, &written, known);
    if findings.is_empty() {
        return Decision::default();
    }
    if let Some(old) = &old {
        ratchet::forgive(&mut findings, &object, old, |object| {
            known.admission.judge(&standing.profile, object)
        });
    }
    exempt(&mut findings, &username, &object.body, known.waivers);
    if passes {
        let passable = |finding: &&mut Finding<'_>| {
            finding.passable && finding.said <= Said::Unknown && finding.mode == Mode::Enforce
        };
        findings.iter_mut().filter(passable).for_each(|finding| finding.said = Said::Bypassed);
    }
    findings.sort_by_key(|f| (f.said, Reverse(f.mode), Reverse(f.control.severity), f.control.id.clone()));
    let counted = findings.iter().map(|finding| Counted {
        control: if finding.custom { String::new() } else { finding.control.id.clone() },
        verdict: finding.said,
        mode: finding.mode,
    });
    Decision { counted: counted.collect(), answer: answer(&findings, &object, standing, known.lang) }
}

/// Nobody knows by what to judge: refused where anything is enforced, and never in silence.
fn unknown(why: &Text, passes: bool, known: &Known<'_>) -> Answer {
    let text = tell::not_judged(why, known.lang);
    let mut answer = if known.strict && !passes {
        Answer::refused(503, text)
    } else {
        Answer::warned(tell::warning_line(&text))
    };
    let key = if known.strict && passes { "bypassed" } else { "unknown" };
    answer.annotations.insert(key.to_owned(), tell::annotation(why.get(Lang::En)));
    answer
}

/// What does not pass, of the whole catalogue.
fn found<'a>(
    standing: &Standing,
    object: &Object,
    written: &Written<'_>,
    known: &Known<'a>,
) -> Vec<Finding<'a>> {
    let finding = |control: &'a Control, measure, passable, outcome: Arc<Outcome>| {
        let said = match outcome.verdict {
            Verdict::Fail => Said::Fail,
            Verdict::Unknown => Said::Unknown,
            _ => return None,
        };
        let custom = control.id.starts_with(snc_catalogue::CUSTOM);
        if custom && !standing.custom {
            return None;
        }
        Some(Finding { control, custom, passable, mode: standing.mode(measure), said, outcome, waiver: None })
    };
    let own = known.admission.judge(&standing.profile, object).into_iter();
    let own = own.filter_map(|(control, outcome)| {
        let measure = control.measure();
        finding(control, measure, measure != Measure::Isolation, outcome)
    });
    let across = across::judge(&object.subject.kind_key(), &standing.profile, written, &known.others);
    let across = across.into_iter().filter_map(|across::Said { control, measure, outcome, passable }| {
        finding(control, measure, passable, Arc::new(outcome))
    });
    own.chain(across).collect()
}

fn exempt<'a>(findings: &mut [Finding<'a>], username: &str, object: &Value, waivers: &'a Waivers) {
    if waivers.is_empty() {
        return;
    }
    let roots = roots(username, object);
    for finding in findings.iter_mut().filter(|finding| finding.said <= Said::Unknown) {
        if let Some(waiver) = waivers.covers_any(&finding.control.id, &roots) {
            (finding.said, finding.waiver) = (Said::Exempt, Some(waiver));
        }
    }
}

fn answer(findings: &[Finding<'_>], object: &Object, standing: &Standing, lang: Lang) -> Answer {
    let held = |finding: &&Finding<'_>| finding.said <= Said::Unknown;
    let refused: Vec<&Finding<'_>> =
        findings.iter().filter(held).filter(|finding| finding.mode == Mode::Enforce).collect();
    // What cannot be judged is never let through in silence, whatever the mode.
    let warned = |finding: &&Finding<'_>| match finding.said {
        Said::Bypassed => true,
        Said::Fail => finding.mode == Mode::Warn,
        // That nobody scanned an image is recorded where images are only observed: it is so with most of them at first.
        Said::Unknown if finding.control.category == Category::Images => finding.mode == Mode::Warn,
        Said::Unknown => finding.mode <= Mode::Warn,
        Said::Exempt | Said::Unchanged => false,
    };
    let warnings = findings.iter().filter(warned).map(|finding| tell::warning(finding, lang)).collect();
    let refusal = (!refused.is_empty())
        .then(|| Refusal { code: 403, message: tell::refusal(&refused, object, standing, lang) });
    Answer { refusal, warnings, annotations: annotations(findings) }
}

/// Which controls said what, for the audit event.
fn annotations(findings: &[Finding<'_>]) -> BTreeMap<String, String> {
    let mut annotations: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for finding in findings {
        let Finding { control, mode, said, outcome, waiver, .. } = finding;
        let id = &control.id;
        let (key, line) = match said {
            Said::Fail => ("failed", format!("{id} ({mode}) {}", outcome.paths.join(" "))),
            Said::Unknown => ("unknown", format!("{id} ({mode})")),
            Said::Bypassed => ("bypassed", format!("{id} ({mode}) {}", outcome.paths.join(" "))),
            Said::Exempt => ("exempt", format!("{id} ({})", waiver.unwrap_or_default())),
            Said::Unchanged => ("unchanged", format!("{id} ({mode})")),
        };
        annotations.entry(key.to_owned()).or_default().push(line.trim_end().to_owned());
    }
    annotations.into_iter().map(|(key, lines)| (key, tell::annotation(&lines.join("; ")))).collect()
}

#[cfg(test)]
mod canary;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod tests;
