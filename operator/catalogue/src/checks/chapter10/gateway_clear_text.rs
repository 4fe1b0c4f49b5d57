//! ```yaml
//! id: gateway-clear-text
//! category: crypto
//! requirements: [10.2.c, 9.6.e]
//! level: Standard
//! severity: high
//! scope: any
//! title:
//!   fr: Gateway qui sert du contenu en clair
//!   en: Gateway that serves content in clear text
//! reads:
//!   - gateway.networking.k8s.io/Gateway
//!   - gateway.networking.k8s.io/HTTPRoute
//!   - gateway.networking.k8s.io/GRPCRoute
//! judges: [gateway.networking.k8s.io/HTTPRoute, gateway.networking.k8s.io/GRPCRoute]
//! whenAbsent: NotApplicable
//! remediation:
//!   fr: Attacher la route à l'écouteur HTTPS, et ne laisser à l'écouteur HTTP qu'une redirection.
//!   en: Attach the route to the HTTPS listener, and leave only a redirection to the HTTP one.
//!   snippet: |
//!     spec:
//!       parentRefs: [{name: edge, sectionName: http}]
//!       rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: https, statusCode: 301}}]}]
//! boundary:
//!   fr: Prouve que la route ne sert rien d'autre qu'une redirection sur les écouteurs HTTP connus ; ne dit rien des suites TLS, ni d'un proxy qui termine TLS devant la Gateway.
//!   en: Proves that the route serves nothing but a redirection on known HTTP listeners; says nothing of TLS suites, nor of a proxy that ends TLS before the Gateway.
//! ```

use crate::checks::World;
use serde_json::Value;
use snc_core::snapshot::Stock;
use snc_core::verdict::{Outcome, Subject};

const GROUP: &str = "gateway.networking.k8s.io";

pub(super) fn check(world: &World<'_>) -> Vec<(Subject, Outcome)> {
    let kinds = ["HTTPRoute", "GRPCRoute"].map(|kind| world.snapshot.dynamic.get(&format!("{GROUP}/{kind}")));
    let routes = kinds.into_iter().flatten().flat_map(Stock::iter);
    routes.map(|(subject, route)| (subject.clone(), judge(world, subject, route))).collect()
}

fn judge(world: &World<'_>, subject: &Subject, route: &Value) -> Outcome {
    let rules = list(route, "/spec/rules");
    if !rules.is_empty() && rules.iter().all(redirects) {
        return Outcome::pass();
    }
    let (mut clear, mut lost) = (Vec::new(), Vec::new());
    for (at, parent) in
        list(route, "/spec/parentRefs").iter().enumerate().filter(|(_, parent)| is_gateway(parent))
    {
        match listeners(world, subject, parent) {
            None => lost.push(format!("spec.parentRefs[{at}]")),
            Some(names) if !names.is_empty() => {
                clear.push((format!("spec.parentRefs[{at}]"), names.join(", ")));
            }
            Some(_) => {}
        }
    }
    if !clear.is_empty() {
        let told: Vec<String> = clear.iter().map(|(path, names)| format!("{path} = {names}")).collect();
        let told = told.join(" ; ");
        let failed = Outcome::fail(
            format!("la route sert son contenu sur un écouteur HTTP : {told}"),
            format!("the route serves its content on an HTTP listener: {told}"),
        );
        return clear.into_iter().fold(failed, |failed, (path, _)| failed.at(path));
    }
    if lost.is_empty() {
        return Outcome::pass();
    }
    let told = lost.join(", ");
    Outcome::unknown(format!("Gateway inconnue : {told}"), format!("unknown Gateway: {told}"))
}

/// A mesh's routes have services as parents.
fn is_gateway(parent: &Value) -> bool {
    text(parent, "kind").is_none_or(|kind| kind == "Gateway")
        && text(parent, "group").is_none_or(|group| group == GROUP)
}

/// Listeners in clear text that the parent reference takes; none where the Gateway is not known.
fn listeners<'w>(world: &'w World<'_>, subject: &'w Subject, parent: &'w Value) -> Option<Vec<&'w str>> {
    let name = text(parent, "name")?;
    let namespace = text(parent, "namespace").unwrap_or(&subject.namespace);
    let gateways = world.snapshot.dynamic.get(&format!("{GROUP}/Gateway"))?;
    let (_, gateway) = gateways.within(namespace).find(|(found, _)| found.name == name)?;
    let taken = |listener: &&Value| {
        text(parent, "sectionName").is_none_or(|section| text(listener, "name") == Some(section))
            && parent.get("port").is_none_or(|port| listener.get("port") == Some(port))
            && text(listener, "protocol") == Some("HTTP")
    };
    Some(
        list(gateway, "/spec/listeners")
            .iter()
            .filter(taken)
            .filter_map(|listener| text(listener, "name"))
            .collect(),
    )
}

/// To HTTPS, before anything is served.
fn redirects(rule: &Value) -> bool {
    list(rule, "/filters").iter().any(|filter| {
        text(filter, "type") == Some("RequestRedirect")
            && filter.pointer("/requestRedirect/scheme").and_then(Value::as_str) == Some("https")
    })
}

fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value.get(field).and_then(Value::as_str)
}
