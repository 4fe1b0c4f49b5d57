//! What a rule asks of an event: every field of a clause that is there has to hold.

use super::Settings;
use crate::canonical;
use crate::event::{Event, ObjectRef};
use crate::who;
use serde::Deserialize;
use serde_json::value::RawValue;
use snc_core::names::{GROUP, SYSTEM_NAMESPACES};

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Clause {
    /// Any of these objects.
    #[serde(default)]
    pub on: Vec<On>,
    #[serde(default)]
    pub verbs: Vec<String>,
    #[serde(default)]
    pub by: By,
    /// User names that it is not about, acting as themselves.
    #[serde(default)]
    pub not_by: Vec<String>,
    #[serde(default)]
    pub within: Option<Within>,
    /// Reads of a kubelet that tell nothing but figures.
    #[serde(default)]
    pub but_figures: bool,
    /// Any of these in the body of the request.
    #[serde(default)]
    pub says: Vec<String>,
    #[serde(default)]
    pub impersonation: bool,
    #[serde(default)]
    pub bypass: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct On {
    /// None: whichever.
    #[serde(default)]
    pub group: Option<String>,
    /// `pods`, `pods/exec`, `pods/*` (every subresource of it, and not itself).
    pub resources: Vec<String>,
    /// Only names that end so.
    #[serde(default)]
    pub names_end_in: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum By {
    #[default]
    Anybody,
    /// Neither a `ServiceAccount` nor a component; somebody who acts as a person, or a person who acts as one of those.
    People,
    /// Everybody but the operator.
    NotUs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Within {
    /// The operator's namespaces, and what is in them.
    Ours,
    /// Those, and what the cluster itself runs in.
    System,
}

/// Paths after `/proxy/` at which a kubelet gives figures.
const FIGURES: &[&str] =
    &["healthz", "metrics", "metrics/cadvisor", "metrics/probes", "metrics/resource", "stats/summary"];
/// Questions, however they are asked.
const REVIEWS: &[&str] = &["authentication.k8s.io", "authorization.k8s.io"];
const READS: &[&str] = &["get", "list", "watch", "head", "options"];

pub struct Seen<'s, 'e> {
    pub event: &'s Event<'e>,
    pub settings: &'s Settings,
}

impl Clause {
    pub fn fits(&self, seen: &Seen<'_, '_>) -> bool {
        let event = seen.event;
        (!self.impersonation || impersonates(event))
            && (!self.bypass || bypasses(seen))
            && (self.on.is_empty() || event.object_ref.as_ref().is_some_and(|object| self.names(object)))
            && (self.verbs.is_empty() || self.verbs.iter().any(|verb| **verb == *event.verb))
            && self.by.fits(seen)
            && !(event.impersonated_user.is_none()
                && self.not_by.iter().any(|user| **user == *event.user.username))
            && self.within.is_none_or(|within| within.holds(seen))
            && !(self.but_figures && only_figures(event))
            && (self.says.is_empty() || says(event, &self.says))
    }

    fn names(&self, object: &ObjectRef<'_>) -> bool {
        self.on.iter().any(|on| on.names(object))
    }
}

impl On {
    fn names(&self, object: &ObjectRef<'_>) -> bool {
        let named = |resource: &String| match resource.split_once('/') {
            None => **resource == *object.resource && object.subresource.is_empty(),
            Some((resource, "*")) => *resource == *object.resource && !object.subresource.is_empty(),
            Some((resource, subresource)) => {
                *resource == *object.resource && *subresource == *object.subresource
            }
        };
        self.group.as_ref().is_none_or(|group| **group == *object.api_group)
            && self.resources.iter().any(named)
            // A name that is not told may be any.
            && self.names_end_in.as_ref().is_none_or(|end| object.name.is_empty() || object.name.ends_with(&**end))
    }
}

impl By {
    fn fits(self, seen: &Seen<'_, '_>) -> bool {
        let event = seen.event;
        match self {
            Self::Anybody => true,
            Self::People => {
                let other = event.impersonated_user.as_ref();
                who::may_be_person(&event.user.username)
                    || other.is_some_and(|user| who::may_be_person(&user.username))
            }
            Self::NotUs => !seen.settings.is_ours(event),
        }
    }
}

impl Within {
    fn holds(self, seen: &Seen<'_, '_>) -> bool {
        let Some(object) = &seen.event.object_ref else { return false };
        let itself = object.api_group.is_empty() && &*object.resource == "namespaces";
        let namespace = if itself { &*object.name } else { &*object.namespace };
        seen.settings.namespaces.contains(namespace)
            || (self == Self::System && SYSTEM_NAMESPACES.contains(&namespace))
    }
}

/// An attempt that is refused has no impersonated user: the answer tells what it was.
fn impersonates(event: &Event<'_>) -> bool {
    let refused =
        || event.response_status.as_ref().is_some_and(|status| status.message.contains("cannot impersonate"));
    event.impersonated_user.is_some() || (event.code() == Some(403) && refused())
}

/// What admission wrote down; and whatever a member of the group writes, for a webhook that did not answer wrote nothing.
fn bypasses(seen: &Seen<'_, '_>) -> bool {
    let Seen { event, settings } = seen;
    let ours = |key: &str| {
        let (by, what) = key.rsplit_once('/').unwrap_or_default();
        matches!(what, "bypass" | "bypassed")
            && by.strip_suffix(GROUP).is_some_and(|rest| rest.ends_with('.'))
    };
    if event.annotations.iter().any(|(key, value)| ours(key) && !value.is_empty()) {
        return true;
    }
    let Some(group) = &settings.bypass_group else { return false };
    let member = event.actor().groups.iter().chain(&event.user.groups).any(|of| **of == **group);
    let asks = || event.object_ref.as_ref().is_none_or(|object| REVIEWS.contains(&&*object.api_group));
    member && !READS.contains(&&*event.verb) && !asks()
}

/// Exactly such a path, on the kubelet's own port.
fn only_figures(event: &Event<'_>) -> bool {
    let Some(object) = &event.object_ref else { return false };
    let path = event.request_uri.split('?').next().unwrap_or_default();
    let after = path.strip_prefix("/api/v1/nodes/").and_then(|rest| rest.strip_prefix(&*object.name));
    let asked = after.and_then(|rest| rest.strip_prefix("/proxy/"));
    &*event.verb == "get" && !object.name.contains(':') && asked.is_some_and(|asked| FIGURES.contains(&asked))
}

/// The body of a patch is there as its client wrote it: with spaces, and with escapes for whatever it likes.
fn says(event: &Event<'_>, words: &[String]) -> bool {
    let Some(body) = event.request_object.map(RawValue::get) else { return false };
    let body = format!("{{\"body\":{body}}}");
    let body = canonical::form(&body).unwrap_or(body);
    words.iter().any(|word| body.contains(&**word))
}

/// When a rule is about something worse than usual.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Worse {
    pub severity: super::Severity,
    #[serde(default)]
    pub says: Vec<String>,
    /// Of no namespace in particular.
    #[serde(default)]
    pub everywhere: bool,
}

impl Worse {
    pub fn fits(&self, seen: &Seen<'_, '_>) -> bool {
        let event = seen.event;
        (self.says.is_empty() || says(event, &self.says))
            && (!self.everywhere
                || event.object_ref.as_ref().is_some_and(|object| object.namespace.is_empty()))
    }
}
