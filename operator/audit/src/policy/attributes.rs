use crate::event::Event;
use crate::who;

/// What the API server looks at when it looks for a rule: before impersonation, before anything is read of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes<'a> {
    /// None where the credentials were refused.
    pub user: Option<&'a str>,
    pub groups: Vec<&'a str>,
    pub verb: &'a str,
    pub target: Target<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    Resource { group: &'a str, resource: &'a str, subresource: &'a str, namespace: &'a str, name: &'a str },
    Path(&'a str),
}

impl<'a> Attributes<'a> {
    /// Those that an event tells of. The name of what is made is not among them: it is in the body.
    pub fn of(event: &'a Event<'_>) -> Self {
        let refused = event.user.username.is_empty() && event.user.groups.is_empty();
        let target = match &event.object_ref {
            Some(object) => {
                let made = &*event.verb == "create" && object.subresource.is_empty();
                let itself = object.api_group.is_empty() && &*object.resource == "namespaces";
                Target::Resource {
                    group: &object.api_group,
                    resource: &object.resource,
                    subresource: &object.subresource,
                    namespace: if itself && made { "" } else { &object.namespace },
                    name: if made { "" } else { &object.name },
                }
            }
            None => Target::Path(event.request_uri.split('?').next().unwrap_or_default()),
        };
        Self {
            user: (!refused).then_some(&*event.user.username),
            groups: event.user.groups.iter().map(|group| &**group).collect(),
            verb: &event.verb,
            target,
        }
    }

    /// It goes on after its answer began, and is written down when it begins and when it ends.
    pub fn is_long(&self) -> bool {
        self.verb == "watch"
            || self.verb == "proxy"
            || match self.target {
                Target::Resource { subresource, .. } => {
                    matches!(subresource, "attach" | "exec" | "proxy" | "log" | "portforward")
                }
                Target::Path(path) => path.starts_with("/debug/pprof/"),
            }
    }
}

/// The groups that somebody of that name is in whatever else they are in.
pub(super) fn groups_of(user: &str) -> Vec<String> {
    if user == who::ANONYMOUS {
        return vec!["system:unauthenticated".to_owned()];
    }
    let mut groups = vec!["system:authenticated".to_owned()];
    if let Some((namespace, _)) = who::service_account(user) {
        groups.extend(["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")]);
    } else if user.starts_with("system:node:") {
        groups.push("system:nodes".to_owned());
    }
    groups
}
