use crate::event::Event;
use crate::who;
use snc_core::names::{AUDIT_SINK, OPERATOR_NAMESPACE};
use snc_core::text::Refusal;
use std::collections::BTreeSet;

/// `ServiceAccounts` of the charts, in the operator's namespace.
const ACCOUNTS: &[&str] =
    &["snc-controller", "snc-webhook", AUDIT_SINK, "snc-probe", "snc-check", "snc-migrate"];
const TAIL_NAMESPACE: &str = "snc-audit";
const TAIL_ACCOUNT: &str = "snc-audit-tail";

/// What an installation is called, and whom it lets past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Namespaces that are the operator's.
    pub namespaces: BTreeSet<String>,
    /// User names of the operator's `ServiceAccounts`.
    pub accounts: BTreeSet<String>,
    pub bypass_group: Option<String>,
    /// What is known to do such things, and raises nothing.
    pub expected: Vec<Expected>,
}

impl Settings {
    /// With the names that the charts give.
    pub fn of(operator_namespace: &str, tail_namespace: &str) -> Self {
        let account = |namespace: &str, name: &str| format!("system:serviceaccount:{namespace}:{name}");
        let ours = ACCOUNTS.iter().map(|name| account(operator_namespace, name));
        Self {
            namespaces: [operator_namespace, tail_namespace].map(str::to_owned).into(),
            accounts: ours.chain([account(tail_namespace, TAIL_ACCOUNT)]).collect(),
            bypass_group: None,
            expected: Vec::new(),
        }
    }

    /// Done with rights of the operator's own, and not as somebody else.
    pub(super) fn is_ours(&self, event: &Event<'_>) -> bool {
        event.impersonated_user.is_none() && self.accounts.contains(&*event.user.username)
    }

    pub(super) fn expects(&self, rule: &str, event: &Event<'_>) -> bool {
        self.expected.iter().any(|expected| expected.rule == rule && expected.user == *event.user.username)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::of(OPERATOR_NAMESPACE, TAIL_NAMESPACE)
    }
}

/// A `ServiceAccount` of which the platform says that a rule is not about it: the injector of certificates that writes
/// webhook configurations, the portal that acts as its users. Never a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub rule: String,
    pub user: String,
}

impl Expected {
    /// `<rule>=system:serviceaccount:<namespace>:<name>`
    pub fn parse(field: &str, text: &str, rules: &super::Rules) -> Result<Self, Refusal> {
        let refusal = || {
            let ids = rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>().join(", ");
            Refusal::new(
                field,
                text,
                format!("RÈGLE=system:serviceaccount:ESPACE:NOM, RÈGLE parmi {ids}"),
                format!("RULE=system:serviceaccount:NAMESPACE:NAME, RULE one of {ids}"),
            )
        };
        let (rule, user) = text.split_once('=').ok_or_else(refusal)?;
        let known = rules.get(rule).is_some_and(|rule| !rule.matches.is_empty());
        if !known || who::service_account(user).is_none() || user.contains('*') {
            return Err(refusal());
        }
        Ok(Self { rule: rule.to_owned(), user: user.to_owned() })
    }
}
