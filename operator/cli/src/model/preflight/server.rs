//! The API server itself: its version and its audit log.

use super::input::Input;
use super::{Judged, State, some};
use snc_core::lang::Lang;

/// Minor versions on which the product is tested (from 1.34 on, pods go before policies when a namespace goes).
const SUPPORTED: std::ops::RangeInclusive<u32> = 34..=36;

pub fn version(input: &Input, lang: Lang) -> Judged {
    let version = match &input.version {
        Ok(version) => version,
        Err(trouble) => return (State::Unknown, trouble.message(lang)),
    };
    let seen = lang.pick(
        || format!("{version} ; pris en charge : 1.34 à 1.36"),
        || format!("{version}; supported: 1.34 to 1.36"),
    );
    let state = match minor(version) {
        Some(minor) if SUPPORTED.contains(&minor) => State::Ok,
        Some(_) => State::Missing,
        None => State::Unknown,
    };
    (state, seen)
}

/// `v1.36.3`, `v1.34.2-gke.10`, `v1.35.0+rke2r1`: 36, 34, 35.
fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("v1.")?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// What is written, and what of it (the audit policy), cannot be seen from here.
pub fn audit_log(input: &Input, lang: Lang) -> Judged {
    if let Some(servers) = input.all_api_servers() {
        let lacking: Vec<&str> = servers
            .iter()
            .filter(|server| {
                let backend = ["audit-log-path", "audit-webhook-config-file"];
                server.flag("audit-policy-file").is_none()
                    || !backend.iter().any(|flag| server.flag(flag).is_some_and(|path| !path.is_empty()))
            })
            .map(|server| server.pod.as_str())
            .collect();
        if lacking.is_empty() {
            let pods = some(servers.iter().map(|server| server.pod.as_str()), 5);
            let seen = lang.pick(
                || format!("politique et destination d'audit dans les options de {pods}"),
                || format!("audit policy and backend among the flags of {pods}"),
            );
            return (State::Ok, seen);
        }
        let lacking = some(lacking, 5);
        let seen = lang.pick(
            || format!("ni politique ni destination d'audit, ou l'une sans l'autre : {lacking}"),
            || format!("no audit policy or no backend: {lacking}"),
        );
        return (State::Missing, seen);
    }
    match (&input.metrics, input.the_only_api_server()) {
        (Ok(metrics), true) if metrics.audit_events > 0 => {
            let events = metrics.audit_events;
            let seen = lang.pick(
                || format!("{events} évènements d'audit depuis le démarrage du serveur d'API (métriques)"),
                || format!("{events} audit events since the API server started (metrics)"),
            );
            (State::Ok, seen)
        }
        (Ok(metrics), false) if metrics.audit_events > 0 => {
            let seen = lang.str(
                "le serveur d'API qui a répondu écrit des évènements d'audit ; les autres n'ont pas été vus",
                "the API server that answered writes audit events; the others were not seen",
            );
            (State::Unknown, seen.to_owned())
        }
        // A server that just started has written none either.
        (Ok(_), _) => {
            let seen = lang.str(
                "aucun évènement d'audit dans les métriques du serveur d'API, et ses options ne sont pas lisibles",
                "no audit event in the metrics of the API server, and its flags cannot be read",
            );
            (State::Unknown, seen.to_owned())
        }
        (Err(trouble), _) => {
            let trouble = trouble.message(lang);
            let seen = lang.pick(
                || format!("options du serveur d'API illisibles (pas de pod statique) ; {trouble}"),
                || format!("flags of the API server cannot be read (no static pod); {trouble}"),
            );
            (State::Unknown, seen)
        }
    }
}

impl Input {
    /// The flags of every API server; nothing when one of them may be elsewhere.
    pub fn all_api_servers(&self) -> Option<&[super::ApiServerSeen]> {
        let servers = self.api_servers.as_ref().ok()?;
        let announced = *self.endpoints.as_ref().ok()?;
        (!servers.is_empty() && servers.len() >= announced).then_some(servers)
    }

    pub fn the_only_api_server(&self) -> bool {
        self.endpoints.as_ref().is_ok_and(|endpoints| *endpoints == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_distributions_are_understood() {
        for (version, expected) in [
            ("v1.36.3", Some(36)),
            ("v1.34.2-gke.10", Some(34)),
            ("v1.35.0+rke2r1", Some(35)),
            ("v2.0.0", None),
            ("v1.", None),
            ("", None),
        ] {
            assert_eq!(minor(version), expected, "{version}");
        }
    }
}
