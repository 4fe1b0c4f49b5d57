//! What the sink says of itself, and its alarms.

use super::answer::{Asking, json};
use super::body::Body;
use super::house::{Acknowledged, AlarmState};
use super::refuse::Refused;
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::json;
use snc_audit::Partition;
use tokio::time::timeout;

/// Of what somebody decided, with room for escapes around it.
const DECISION_BYTES: usize = 16 << 10;
const DECISION: usize = 2000;

/// Stretches of time concern everybody; which API server it was is the platform's to know.
pub(super) async fn gaps(asking: &mut Asking, query: Option<&str>) -> Result<Response<Body>, Refused> {
    let parameters = asking.parameters(query, &["tenant", "platform"])?;
    let partition = parameters.partition_if_any()?;
    asking.access.partition.clone_from(&partition);
    let server = asking.server.clone();
    match &partition {
        Some(partition) => drop(server.gate.logs(&asking.who, partition, None).await?),
        None => server.gate.platform(&asking.who).await?,
    }
    let gaps = server.house.gaps();
    let open = gaps.iter().filter(|gap| gap.closed.is_none()).count();
    let items = match partition {
        Some(Partition::Tenant(_)) => {
            let shown = gaps
                .iter()
                .map(|gap| json!({"cause": gap.cause, "from": gap.from, "to": gap.to, "closed": gap.closed}));
            shown.collect()
        }
        Some(Partition::Platform) | None => json!(gaps),
    };
    Ok(json(&json!({"open": open, "items": items})))
}

pub(super) async fn status(asking: &mut Asking, query: Option<&str>) -> Result<Response<Body>, Refused> {
    asking.parameters(query, &[])?;
    let server = asking.server.clone();
    server.gate.platform(&asking.who).await?;
    let status = server.house.status().ok_or_else(Refused::nothing_yet)?;
    Ok(json(&json!(status)))
}

pub(super) async fn alarms(asking: &mut Asking, query: Option<&str>) -> Result<Response<Body>, Refused> {
    let parameters = asking.parameters(query, &["tenant", "platform", "state"])?;
    let state = parameters.choice("state", &AlarmState::ALL.map(|state| (state.as_str(), state)))?;
    let partition = parameters.partition_if_any()?;
    asking.access.partition.clone_from(&partition);
    let server = asking.server.clone();
    let from = match &partition {
        // An alarm says what an event of theirs says.
        Some(partition @ Partition::Tenant(_)) => server.gate.logs(&asking.who, partition, None).await?,
        Some(Partition::Platform) | None => {
            server.gate.alarms(&asking.who, "get").await?;
            None
        }
    };
    if !asking.head {
        asking.granted().await?;
    }
    Ok(json(&json!({"items": server.house.alarms(state, partition.as_ref(), from)})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    decision: String,
}

pub(super) async fn acknowledge(
    asking: &mut Asking,
    id: &str,
    query: Option<&str>,
    body: Incoming,
) -> Result<Response<Body>, Refused> {
    asking.access.name = Some(id.to_owned());
    asking.parameters(query, &[])?;
    let server = asking.server.clone();
    server.gate.alarms(&asking.who, "update").await?;
    let decision = timeout(server.limits.body, decision(body)).await.map_err(|_| Refused::late())??;
    asking.granted().await?;
    match server.house.acknowledge(id, &asking.who.user, &decision).await {
        Ok(Acknowledged::Now(alarm)) => Ok(json(&alarm)),
        Ok(Acknowledged::Before(alarm)) => {
            let mut response = json(&alarm);
            *response.status_mut() = StatusCode::CONFLICT;
            Ok(response)
        }
        Ok(Acknowledged::NoSuchAlarm) => Err(Refused::no_such_alarm()),
        Ok(Acknowledged::Refused(refusal)) => {
            // Anything else is about who asks.
            let decision = refusal.path == "decision";
            let status = if decision { StatusCode::BAD_REQUEST } else { StatusCode::FORBIDDEN };
            Err(Refused::by(&refusal).with(status))
        }
        Err(silent) => {
            tracing::error!(%silent, id, "an acknowledgement was not written");
            Err(Refused::unwritten())
        }
    }
}

async fn decision(body: Incoming) -> Result<String, Refused> {
    let refused = |given: Option<&str>| {
        let (fr, en) = (
            format!("{{\"decision\": \"…\"}}, de 1 à {DECISION} caractères"),
            format!("{{\"decision\": \"…\"}}, 1 to {DECISION} characters"),
        );
        Refused::bad("decision", given, fr, en)
    };
    let bytes = match Limited::new(body, DECISION_BYTES).collect().await {
        Ok(bytes) => bytes.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(refused(None).with(StatusCode::PAYLOAD_TOO_LARGE));
        }
        Err(_) => return Err(refused(None)),
    };
    let Decision { decision } = serde_json::from_slice(&bytes).map_err(|_| refused(None))?;
    let decision = decision.trim();
    let many = decision.chars().count();
    if (1..=DECISION).contains(&many) { Ok(decision.to_owned()) } else { Err(refused(Some(decision))) }
}
