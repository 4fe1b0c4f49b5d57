use super::{ConditionView, Problem};
use crate::model::Tri;
use snc_api::v1alpha1::SncPolicyStatus;
use snc_core::condition::reason;
use snc_core::lang::Lang;

/// One problem per thing said: conditions that are not True for the same reason in the same words are told once.
pub fn problems(subject: &str, views: &[ConditionView]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    for view in views.iter().filter(|v| v.status != Tri::True) {
        let same = |p: &&mut Problem| {
            p.reason == view.reason && p.message == view.message && p.status == Some(view.status)
        };
        if let Some(problem) = problems.iter_mut().find(same) {
            problem.conditions.push(view.kind.clone());
            continue;
        }
        problems.push(Problem {
            subject: subject.to_owned(),
            conditions: vec![view.kind.clone()],
            status: Some(view.status),
            reason: view.reason.clone(),
            message: view.message.clone(),
            counts: true,
        });
    }
    problems
}

pub fn findings(lang: Lang, subject: &str, status: &SncPolicyStatus) -> Vec<Problem> {
    let Some(findings) = &status.findings else { return Vec::new() };
    let one = |text: &String| {
        // `Code: text`, with the space that French puts before a colon; a code is one word.
        let split = text.split_once(": ").map(|(code, rest)| (code.trim_end(), rest.trim_start()));
        let (reason, message) =
            split.filter(|(code, _)| !code.contains(char::is_whitespace)).unwrap_or(("", text));
        Problem {
            subject: subject.to_owned(),
            conditions: Vec::new(),
            status: None,
            reason: reason.to_owned(),
            message: message.to_owned(),
            counts: false,
        }
    };
    let mut all: Vec<Problem> = findings.items.iter().map(one).collect();
    let shown = i64::try_from(all.len()).unwrap_or(i64::MAX);
    if findings.total > shown {
        let more = findings.total - shown;
        let text =
            lang.pick(|| format!("constats non listés : {more}"), || format!("findings not listed: {more}"));
        all.push(Problem { message: text, reason: "Truncated".into(), ..one(&String::new()) });
    }
    all
}

pub fn unreadable(lang: Lang, subject: &str, error: &str) -> Problem {
    Problem {
        subject: subject.to_owned(),
        conditions: Vec::new(),
        status: Some(Tri::Unknown),
        reason: reason::UNREADABLE.to_owned(),
        message: lang
            .pick(|| format!("objet illisible : {error}"), || format!("object cannot be read: {error}")),
        counts: true,
    }
}

pub fn note(namespace: &str, reason: &str, message: &str, counts: bool) -> Problem {
    Problem {
        subject: format!("Namespace/{namespace}"),
        conditions: Vec::new(),
        status: None,
        reason: reason.to_owned(),
        message: message.to_owned(),
        counts,
    }
}
