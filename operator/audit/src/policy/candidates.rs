//! Requests by which a policy can be told from another. A rule asks for words by lists and never by what they are not, so
//! that a word that nobody mentions matches the fewest rules: with it, and with the words that one rule mentions, everything
//! that the rule is the first to match is seen.

use super::attributes::groups_of;
use super::mandatory::{Mandatory, On, Scope, Who};
use super::{Attributes, METHODS, Rule, Target, VERBS};
use crate::who;

/// A word that no policy mentions.
const FRESH: &str = "snc-any";
const FRESH_ACCOUNT: &str = "system:serviceaccount:snc-any:snc-any";
const FRESH_NODE: &str = "system:node:snc-any";
const COMPONENTS: &[&str] =
    &["system:apiserver", "system:kube-controller-manager", "system:kube-proxy", "system:kube-scheduler"];

/// Some user, by their own groups and one more.
type User = (Option<String>, Vec<String>);
/// Group, resource, subresource, where.
type Kind = (String, String, String, Scope);

pub(super) struct Candidates {
    users: Vec<User>,
    verbs: Vec<&'static str>,
    kinds: Vec<Kind>,
    paths: Vec<String>,
    namespaces: Vec<String>,
    names: Vec<String>,
}

impl Candidates {
    /// Requests of a kind (of every kind: None) that a rule may be about; without a rule, those that no rule mentions.
    pub fn of(kind: Option<&Mandatory>, rule: Option<&Rule>) -> Self {
        let rule = rule.cloned().unwrap_or_else(|| Rule::at(crate::event::Level::None));
        let fresh = |list: &[String]| [vec![FRESH.to_owned()], list.to_vec()].concat();
        let verbs = match kind.map(|kind| kind.verbs).filter(|verbs| !verbs.is_empty()) {
            Some(verbs) => verbs.to_vec(),
            None => {
                VERBS.iter().chain(METHODS.iter().filter(|method| !VERBS.contains(method))).copied().collect()
            }
        };
        let names = rule.resources.iter().flat_map(|of| of.resource_names.clone()).collect::<Vec<_>>();
        Self {
            users: users(kind.map(|kind| kind.who), &rule),
            verbs: verbs
                .into_iter()
                .filter(|verb| rule.verbs.is_empty() || rule.verbs.iter().any(|of| of == verb))
                .collect(),
            kinds: kinds(kind, &rule),
            paths: match kind.map(|kind| &kind.on) {
                Some(On::These(_)) => Vec::new(),
                _ => fresh(&rule.non_resource_urls).iter().map(|url| path(url)).collect(),
            },
            namespaces: fresh(&rule.namespaces),
            names: fresh(&names),
        }
    }

    /// False as soon as `each` says so.
    pub fn all(&self, mut each: impl FnMut(&Attributes<'_>) -> bool) -> bool {
        self.users.iter().all(|(user, groups)| {
            let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
            let mut attributes =
                Attributes { user: user.as_deref(), groups, verb: "", target: Target::Path("") };
            self.verbs.iter().all(|verb| {
                attributes.verb = verb;
                let on_paths = METHODS.contains(verb);
                let mut paths = self.paths.iter().filter(|_| on_paths);
                let mut kinds = self.kinds.iter().filter(|_| VERBS.contains(verb));
                paths.all(|path| {
                    attributes.target = Target::Path(path);
                    each(&attributes)
                }) && kinds.all(|kind| self.places(kind, &mut attributes, &mut each))
            })
        })
    }

    fn places<'a>(
        &'a self,
        (group, resource, subresource, scope): &'a Kind,
        attributes: &mut Attributes<'a>,
        each: &mut impl FnMut(&Attributes<'_>) -> bool,
    ) -> bool {
        let verb = attributes.verb;
        // What is made has its name in its body; a list may be of all namespaces, or of one name.
        let nameless = (verb == "create" && subresource.is_empty()) || verb == "deletecollection";
        let (list, itself) = (matches!(verb, "list" | "watch"), group.is_empty() && resource == "namespaces");
        let names = || self.names.iter().filter(move |_| !nameless).map(String::as_str);
        let names = names().chain((nameless || list).then_some(""));
        names.into_iter().all(|name| {
            let cluster = *scope == Scope::Cluster;
            let of_itself = (cluster && itself && !name.is_empty() && !list).then_some(name);
            let nowhere = (cluster && of_itself.is_none()).then_some("").or((!cluster && list).then_some(""));
            let somewhere =
                self.namespaces.iter().filter(|name| !cluster && !name.is_empty()).map(String::as_str);
            let mut namespaces = somewhere.chain(of_itself).chain(nowhere);
            namespaces.all(|namespace| {
                attributes.target = Target::Resource { group, resource, subresource, namespace, name };
                each(attributes)
            })
        })
    }
}

fn path(url: &str) -> String {
    let path = url.replace('*', FRESH);
    if path.starts_with('/') { path } else { format!("/{path}") }
}

fn users(who: Option<Who>, rule: &Rule) -> Vec<User> {
    let mut users: Vec<User> = Vec::new();
    if matches!(who, Some(Who::Refused) | None) {
        users.push((None, Vec::new()));
    }
    if who == Some(Who::Refused) {
        return users;
    }
    let known = [FRESH, FRESH_ACCOUNT, who::ANONYMOUS];
    let system = COMPONENTS.iter().chain(&[FRESH_NODE]).filter(|_| who != Some(Who::ButComponents));
    let mentioned = rule.users.iter().map(String::as_str);
    let mentioned = mentioned.filter(|user| who != Some(Who::ButComponents) || !who::is_component(user));
    let names: Vec<&str> = known.into_iter().chain(system.copied()).chain(mentioned).collect();
    for name in names {
        let own = groups_of(name);
        users.push((Some(name.to_owned()), own.clone()));
        // Whoever is in another group as well; those that only the system is in are the system's.
        let others = rule.user_groups.iter().filter(|group| !own.contains(group) && !is_kinds(group));
        users
            .extend(others.map(|group| (Some(name.to_owned()), [own.clone(), vec![group.clone()]].concat())));
    }
    // Accounts of the namespaces that it names.
    for group in &rule.user_groups {
        if let Some(namespace) = group.strip_prefix("system:serviceaccounts:") {
            let name = format!("system:serviceaccount:{namespace}:{FRESH}");
            let groups = groups_of(&name);
            users.push((Some(name), groups));
        }
    }
    users
}

/// A group that says what somebody is.
fn is_kinds(group: &str) -> bool {
    matches!(
        group,
        "system:authenticated" | "system:unauthenticated" | "system:nodes" | "system:serviceaccounts"
    ) || group.starts_with("system:serviceaccounts:")
}

fn kinds(kind: Option<&Mandatory>, rule: &Rule) -> Vec<Kind> {
    if let Some(On::These(these)) = kind.map(|kind| &kind.on) {
        let of = |(group, path, scope): &(&str, &str, Scope)| {
            let (resource, subresource) = path.split_once('/').unwrap_or((path, ""));
            ((*group).to_owned(), resource.to_owned(), subresource.to_owned(), *scope)
        };
        return these.iter().map(of).collect();
    }
    let (fresh, both) = (FRESH.to_owned(), [Scope::Cluster, Scope::Namespaced]);
    let mut paths =
        vec![(fresh.clone(), fresh.clone(), String::new()), (fresh.clone(), fresh.clone(), fresh.clone())];
    for of in &rule.resources {
        let group = if of.group == "*" { fresh.clone() } else { of.group.clone() };
        let any = vec!["*".to_owned(), "*/*".to_owned()];
        for resource in if of.resources.is_empty() { &any } else { &of.resources } {
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            let word = |word: &str| word.replace('*', FRESH);
            paths.push((group.clone(), word(resource), word(subresource)));
            if subresource == "*" {
                paths.push((group.clone(), word(resource), String::new()));
            }
        }
    }
    paths.sort();
    paths.dedup();
    let everywhere = paths.into_iter().flat_map(|path| both.map(|scope| (path.clone(), scope)));
    everywhere.map(|((group, resource, subresource), scope)| (group, resource, subresource, scope)).collect()
}
