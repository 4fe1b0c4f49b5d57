use super::table::columns;
use super::{Page, Screen};
use crate::model::Tri;
use crate::model::status::{NamespaceStatus, PolicyStatus, Problem, State, StatusReport};
use crate::words;
use snc_core::lang::Lang;

const NONE: &str = "-";

pub fn table(report: &StatusReport, lang: Lang, screen: Screen) -> String {
    if report.namespaces.is_empty() && report.tenants.is_empty() && report.baselines.is_empty() {
        return nothing(report, lang).to_owned() + "\n";
    }
    let heads = lang.str(
        "TENANT NIVEAU NAMESPACE POLITIQUE ÉTAT ISOLATION PRÊT EFFECTIF ISOLÉ",
        "TENANT LEVEL NAMESPACE POLICY STATE ISOLATION READY EFFECTIVE ISOLATED",
    );
    let heads: Vec<&str> = heads.split(' ').collect();
    let rows: Vec<Vec<String>> =
        report.namespaces.iter().flat_map(|namespace| rows(namespace, lang)).collect();
    let mut page = Page::default();
    if !rows.is_empty() {
        page.block(&columns(&heads, &rows, screen.width));
    }
    for (title, problems) in groups(report) {
        group(&mut page, &title, &problems, lang);
    }
    page.blank();
    page.line(summary(report, lang));
    page.finish()
}

const fn nothing(report: &StatusReport, lang: Lang) -> &'static str {
    if report.complete {
        lang.str("Aucun SncTenant, aucun namespace gouverné.", "No SncTenant, no governed namespace.")
    } else {
        lang.str("Rien de ce qui est demandé n'a pu être lu.", "Nothing of what was asked for could be read.")
    }
}

fn rows(namespace: &NamespaceStatus, lang: Lang) -> Vec<Vec<String>> {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| NONE.to_owned());
    let row = |level: &Option<String>, policy: &str, isolation: &Option<String>, answers: [&str; 3]| {
        let mut row = vec![
            or_none(&namespace.tenant),
            or_none(level),
            namespace.namespace.clone(),
            policy.to_owned(),
            words::state(lang, namespace.state).to_owned(),
            or_none(isolation),
        ];
        row.extend(answers.map(ToOwned::to_owned));
        row
    };
    if namespace.policies.is_empty() {
        let unknown = if namespace.state == State::Absent { NONE } else { words::tri(lang, Tri::Unknown) };
        return vec![row(&namespace.level, NONE, &namespace.isolation, [NONE, unknown, unknown])];
    }
    let of_policy = |policy: &PolicyStatus| {
        let name = if policy.stale {
            format!("{} ({})", policy.name, lang.str("périmé", "stale"))
        } else {
            policy.name.clone()
        };
        let answers = [policy.ready, policy.network_policy_effective, policy.network_isolated];
        row(&policy.level, &name, &policy.isolation, answers.map(|tri| words::tri(lang, tri)))
    };
    namespace.policies.iter().map(of_policy).collect()
}

fn groups(report: &StatusReport) -> Vec<(String, Vec<&Problem>)> {
    let baselines =
        report.baselines.iter().map(|b| (format!("SncBaseline {}", b.name), b.problems.iter().collect()));
    let tenants =
        report.tenants.iter().map(|t| (format!("SncTenant {}", t.name), t.problems.iter().collect()));
    let namespaces = report.namespaces.iter().map(|n| {
        let tenant = n.tenant.as_ref().map(|t| format!(" ({t})")).unwrap_or_default();
        (format!("{}{tenant}", n.namespace), n.problems.iter().collect())
    });
    baselines.chain(tenants).chain(namespaces).collect()
}

fn group(page: &mut Page, title: &str, problems: &[&Problem], lang: Lang) {
    if problems.is_empty() {
        return;
    }
    page.blank();
    page.line(title);
    for problem in problems {
        // What the title names speaks for itself.
        let own = title.replacen(' ', "/", 1) == problem.subject || problem.subject.starts_with("Namespace/");
        let subject = if own { String::new() } else { format!("{}: ", problem.subject) };
        let answer = match problem.status {
            Some(status) if !problem.conditions.is_empty() => {
                format!("{} {}, ", problem.conditions.join(" + "), words::tri(lang, status))
            }
            _ => String::new(),
        };
        let reason = if problem.reason.is_empty() || problem.message.is_empty() {
            problem.reason.clone()
        } else {
            format!("{}: ", problem.reason)
        };
        page.line(format!("  {subject}{answer}{reason}{}", problem.message));
    }
}

fn summary(report: &StatusReport, lang: Lang) -> String {
    let s = &report.summary;
    let (all, good, bad) = (s.namespaces, s.satisfied, s.not_satisfied);
    lang.pick(
        || format!("{all} namespace(s) : {good} comme il se doit, {bad} à revoir."),
        || format!("{all} namespace(s): {good} as they should be, {bad} to look at."),
    )
}
