//! What `snc_core::waiver::roots` says, in CEL: the names under which an object may be waived, looked up in the list of
//! waivers. Nothing of it is evaluated unless a rule fails.

use crate::guards::build::{USERNAME, quote, variable};
use k8s_openapi::api::admissionregistration::v1::Variable;
use snc_core::waiver::{Beyond, MAKERS, Maker, TEMPLATE_HASH};

/// CEL: this control is not held against the object.
pub(super) fn by(control: &str) -> String {
    format!("variables.roots.exists(r, r in params.?spec.?waivers[?\"{control}\"].orValue([]))")
}

/// CEL: who sends what it makes for what, as one text.
fn made(maker: &Maker) -> String {
    let ((version, kind), (owner_version, owner_kind)) = (maker.makes.api(), maker.owner);
    quote(&format!("{} {version}/{kind} {owner_version}/{owner_kind}", maker.username))
}

/// CEL: the requester is one of these.
fn is_maker(beyond: Beyond) -> String {
    let makers = MAKERS.iter().filter(|maker| maker.beyond == Some(beyond));
    let names: Vec<String> = makers.map(|maker| quote(maker.username)).collect();
    format!("{USERNAME} in [{}]", names.join(", "))
}

pub(super) fn variables() -> impl Iterator<Item = Variable> {
    let made: Vec<String> = MAKERS.iter().map(made).collect();
    // `group/Kind:namespace/`, of something with an apiVersion and a kind.
    let key = |of: &str| {
        format!(
            "({of}.apiVersion.contains(\"/\") ? {of}.apiVersion.split(\"/\")[0] : \"core\") + \"/\" + {of}.kind + \":\" + \
             request.?namespace.orValue(\"\") + \"/\""
        )
    };
    [
        variable(
            "makers",
            format!(
                "object.metadata.?ownerReferences.orValue([]).filter(o, o.?controller.orValue(false) && o.name != \"\" && \
                 ({USERNAME} + \" \" + object.apiVersion + \"/\" + object.kind + \" \" + o.apiVersion + \"/\" + o.kind) in \
                 [{}])",
                made.join(", ")
            ),
        ),
        variable("hash", format!("\"-\" + object.metadata.?labels[?\"{TEMPLATE_HASH}\"].orValue(\"\")")),
        variable(
            "roots",
            format!(
                "[{own} + object.metadata.?name.orValue(\"\")] + variables.makers.map(o, {owner} + o.name) + \
                 variables.makers.filter(o, {deployment} && size(variables.hash) > 1 && \
                 o.name.endsWith(variables.hash) && size(o.name) > size(variables.hash)).map(o, \
                 \"apps/Deployment:\" + request.?namespace.orValue(\"\") + \"/\" + \
                 o.name.substring(0, size(o.name) - size(variables.hash))) + \
                 variables.makers.filter(o, {cron} && o.name.matches(\"^.+-[0-9]+$\")).map(o, \
                 \"batch/CronJob:\" + request.?namespace.orValue(\"\") + \"/\" + \
                 o.name.substring(0, o.name.lastIndexOf(\"-\")))",
                own = key("object"),
                owner = key("o"),
                deployment = is_maker(Beyond::Deployment),
                cron = is_maker(Beyond::CronJob),
            ),
        ),
    ]
    .into_iter()
}
