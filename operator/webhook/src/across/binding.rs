//! Rights for accounts of others.

use super::{Others, Written};
use serde_json::Value;
use snc_api::v1alpha1::OwnerKind;
use snc_core::text::clip;
use snc_core::verdict::Outcome;

const ACCOUNT: &str = "system:serviceaccount:";
const ACCOUNTS: &str = "system:serviceaccounts:";
/// Groups and users that hold everybody, accounts of other tenants among them.
const EVERYBODY: [&str; 4] =
    ["system:authenticated", "system:unauthenticated", "system:serviceaccounts", "system:anonymous"];

enum Whose {
    Own,
    Other(String),
    Everybody,
    /// Nothing is known of the namespace that it is an account of.
    Unknown(String),
}

pub fn judge(written: &Written<'_>, others: &Others<'_>) -> Outcome {
    let subjects = |object: &Value| object["subjects"].as_array().cloned().unwrap_or_default();
    let before = subjects(written.before);
    let (mut beyond, mut unknown, mut paths) = (Vec::new(), Vec::new(), Vec::new());
    for (at, subject) in subjects(written.object).iter().enumerate() {
        if before.contains(subject) {
            continue;
        }
        let name = clip(subject["name"].as_str().unwrap_or_default(), 100);
        match whose(subject, written, others) {
            Whose::Own => continue,
            Whose::Other(tenant) => beyond.push(format!("{name} ({tenant})")),
            Whose::Everybody => beyond.push(name),
            Whose::Unknown(namespace) => unknown.push(format!("{name} ({namespace})")),
        }
        paths.push(format!("subjects[{at}]"));
    }
    let here = written.namespace;
    let mut outcome = if !beyond.is_empty() {
        let beyond = beyond.join(", ");
        Outcome::fail(
            format!(
                "droits dans {here} pour des comptes d'un autre tenant, ou pour n'importe qui : {beyond}"
            ),
            format!("rights in {here} for accounts of another tenant, or for anybody: {beyond}"),
        )
    } else if !unknown.is_empty() {
        let unknown = unknown.join(", ");
        Outcome::unknown(
            format!("compte d'un namespace inconnu : {unknown}"),
            format!("account of a namespace that is not known: {unknown}"),
        )
    } else {
        return Outcome::pass();
    };
    outcome.paths = paths;
    outcome
}

fn whose(subject: &Value, written: &Written<'_>, others: &Others<'_>) -> Whose {
    let text = |field: &str| subject[field].as_str().unwrap_or_default();
    let (kind, name) = (text("kind"), text("name"));
    if matches!(kind, "User" | "Group") && EVERYBODY.contains(&name) {
        return Whose::Everybody;
    }
    let home = match kind {
        "ServiceAccount" if text("namespace").is_empty() => Some(written.namespace),
        "ServiceAccount" => Some(text("namespace")),
        "User" => name.strip_prefix(ACCOUNT).and_then(|rest| rest.split(':').next()),
        "Group" => name.strip_prefix(ACCOUNTS),
        _ => None,
    };
    match home {
        Some(home) => of_namespace(home, written, others),
        None => of_person(kind, name, written, others),
    }
}

fn of_namespace(home: &str, written: &Written<'_>, others: &Others<'_>) -> Whose {
    if home == written.namespace {
        return Whose::Own;
    }
    match others.tenant(home) {
        Some(tenant) if tenant == written.tenant => Whose::Own,
        Some(tenant) => Whose::Other(tenant.to_owned()),
        // The platform's own, or nobody's: what a tenant may give it is another control's business.
        None if others.index.namespace(home).is_some() => Whose::Own,
        None => {
            // Not there yet; whoever reserved the name will have its accounts.
            match others.index.claimants(home).into_iter().find(|tenant| *tenant != written.tenant) {
                Some(tenant) => Whose::Other(tenant.to_owned()),
                None if others.index.claimants(home).contains(written.tenant) => Whose::Own,
                None => Whose::Unknown(home.to_owned()),
            }
        }
    }
}

/// A person or a group is another tenant's where it owns that one, and not this one.
fn of_person(kind: &str, name: &str, written: &Written<'_>, others: &Others<'_>) -> Whose {
    let owns = |tenant: &str| {
        let declared = others.index.tenant(tenant).and_then(|tenant| tenant.as_ref().ok());
        declared.is_some_and(|tenant| {
            tenant.spec.owners.iter().any(|owner| {
                let same = match owner.kind {
                    OwnerKind::User => kind == "User",
                    OwnerKind::Group => kind == "Group",
                };
                same && owner.name == name
            })
        })
    };
    if owns(written.tenant) {
        return Whose::Own;
    }
    let other = others.index.tenants().map(|(tenant, _)| tenant).find(|tenant| owns(tenant));
    other.map_or(Whose::Own, |tenant| Whose::Other(tenant.to_owned()))
}
