//! A partition with the proof of it, as one file.

use super::Server;
use super::answer::Asking;
use super::body::{Body, Pour, flow, response};
use super::gate::Known;
use super::refuse::Refused;
use futures::StreamExt as _;
use http::header::{CONTENT_DISPOSITION, HeaderValue};
use http::{Response, StatusCode};
use jiff::Timestamp;
use snc_auditlog::{Export, Format};
use std::pin::pin;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

const TAR: &str = "application/x-tar";
const KNOWN: &[&str] = &["tenant", "platform", "since", "until", "format"];
/// Up to when the log is sealed: what came later is not in it.
const SEALED: &str = "snc-sealed-through";
const GONE: &str = "the client went, or does not read";
/// Until the client is left, where nobody answers whether it still may.
const PAUSE: Duration = Duration::from_secs(1);
const PATIENCE: usize = 60;

pub(super) async fn answer(asking: &mut Asking, query: Option<&str>) -> Result<Response<Body>, Refused> {
    let parameters = asking.parameters(query, KNOWN)?;
    let (since, until) = parameters.times()?;
    let format = parameters.choice("format", &[("jsonl", Format::Jsonl), ("csv", Format::Csv)])?;
    let partition = parameters.partition()?;
    asking.access.partition = Some(partition.clone());
    let server = asking.server.clone();
    // Segments are given whole: for a part of the namespaces there is no export.
    let from = server.gate.logs(&asking.who, &partition, None).await?;
    let sealed = server.house.sealed_through(&partition);
    let file = format!("snc-audit-{partition}.tar");
    let (pour, body) = flow(server.limits.stall, server.limits.export);
    let mut response = response(StatusCode::OK, TAR, body);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{file}\"")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    if let Some(value) = sealed.and_then(|sealed| HeaderValue::try_from(sealed.to_string()).ok()) {
        headers.insert(SEALED, value);
    }
    if asking.head {
        return Ok(response);
    }
    let places = server.exports.take(&asking.who.user.name)?;
    asking.granted().await?;
    let now = Timestamp::now();
    let export = Export { partition, from, since, until, format: format.unwrap_or(Format::Jsonl), now };
    let (tell, told) = oneshot::channel();
    let (who, runtime) = (asking.who.clone(), Handle::current());
    // Segment after segment is unpacked: what takes events in must not wait for that.
    tokio::task::spawn_blocking(move || {
        if let Err(why) = runtime.block_on(run(&server, &who, &export, tell, pour, places)) {
            tracing::warn!(why, partition = %export.partition, "export broken off");
        }
    });
    told.await.map_err(|_| Refused::store())?;
    Ok(response)
}

/// It takes as long as the client takes to read it: rights that end meanwhile end it. `begun` hears of it once it is known
/// what there is to give.
async fn run(
    server: &Server,
    who: &Known,
    export: &Export,
    mut begun: oneshot::Sender<()>,
    mut pour: Pour,
    places: Vec<OwnedSemaphorePermit>,
) -> Result<(), String> {
    let pieces = tokio::select! {
        pieces = snc_auditlog::export(&server.store, export) => pieces.map_err(|error| error.to_string())?,
        () = begun.closed() => return Err(GONE.to_owned()),
        () = tokio::time::sleep(server.limits.export) => return Err("not in time".to_owned()),
    };
    begun.send(()).map_err(|()| GONE.to_owned())?;
    let (mut pieces, mut asked) = (pin!(pieces), Instant::now());
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| error.to_string())?;
        if asked.elapsed() >= server.limits.again {
            still(server, who, export).await?;
            asked = Instant::now();
        }
        pour.piece(piece).await.map_err(|_| GONE.to_owned())?;
    }
    // Before the client can know that it is the end, and ask for the next one.
    drop(places);
    pour.end().await.map_err(|_| GONE.to_owned())
}

/// While nobody answers, nothing is given; a short silence costs a pause and not two hours.
async fn still(server: &Server, who: &Known, export: &Export) -> Result<(), String> {
    let mut refused = String::new();
    for _ in 0..PATIENCE {
        match server.gate.logs(who, &export.partition, None).await {
            Ok(from) if from <= export.from => return Ok(()),
            Ok(_) => return Err("another tenant has the name".to_owned()),
            Err(Refused { status: StatusCode::FORBIDDEN, .. }) => {
                return Err("the right to read it ended".to_owned());
            }
            Err(other) => refused = other.status.to_string(),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(refused)
}
