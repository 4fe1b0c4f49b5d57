//! Against an API server in a few lines that keeps one Lease, with its versions. Time is the test's.

use super::*;
use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use serde_json::{Value, json};
use std::sync::Arc;
use tower_test::mock;

const LEASE: Duration = Duration::from_secs(15);

#[derive(Clone, Default)]
struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    lease: Option<Value>,
    version: u64,
    writes: u32,
    /// The next writes are done, and their answers get lost.
    lose_answers: u32,
    down: bool,
}

impl Server {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn client(&self) -> Client {
        let (service, mut handle) = mock::pair::<Request<Body>, Response<Body>>();
        let server = self.clone();
        tokio::spawn(async move {
            while let Some((request, send)) = handle.next_request().await {
                let method = request.method().clone();
                let bytes = request.into_body().collect_bytes().await.unwrap();
                let body = serde_json::from_slice(&bytes).unwrap_or_default();
                match server.answer(&method, body) {
                    Some((status, value)) => {
                        let body = Body::from(value.to_string().into_bytes());
                        send.send_response(Response::builder().status(status).body(body).unwrap());
                    }
                    None => send.send_error("connection reset"),
                }
            }
        });
        Client::new(service, "default")
    }

    fn answer(&self, method: &Method, body: Value) -> Option<(StatusCode, Value)> {
        let mut state = self.state();
        if state.down {
            return None;
        }
        let failure = |code: u16, reason: &str| {
            let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": reason, "message": reason, "code": code});
            Some((StatusCode::from_u16(code).unwrap(), status))
        };
        if *method == Method::GET {
            return match &state.lease {
                Some(lease) => Some((StatusCode::OK, lease.clone())),
                None => failure(404, "NotFound"),
            };
        }
        let known = state.lease.as_ref().map(|l| l["metadata"]["resourceVersion"].clone());
        let conflict = match (method, known) {
            (&Method::POST, known) => known.is_some(),
            (_, None) => return failure(404, "NotFound"),
            (_, Some(known)) => body["metadata"]["resourceVersion"] != known,
        };
        if conflict {
            return failure(409, "Conflict");
        }
        state.write(body);
        if state.lose_answers > 0 {
            state.lose_answers -= 1;
            return None;
        }
        Some((StatusCode::OK, state.lease.clone().unwrap()))
    }

    fn lease(&self, identity: &str) -> Lease {
        Lease::new(self.client(), "snc-system", "snc-controller", identity, LEASE)
    }

    fn holder(&self) -> String {
        let state = self.state();
        state.lease.as_ref().and_then(|l| l["spec"]["holderIdentity"].as_str()).unwrap_or_default().to_owned()
    }
}

impl State {
    fn write(&mut self, mut lease: Value) {
        self.version += 1;
        self.writes += 1;
        lease["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.lease = Some(lease);
    }
}

async fn elapsed(act: impl Future<Output = ()>) -> Duration {
    let started = Instant::now();
    act.await;
    started.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_not_there_is_taken_at_once() {
    let server = Server::default();
    let lease = server.lease("a");
    assert!(!lease.is_current(), "nothing is held before");
    assert!(elapsed(lease.acquire()).await < Duration::from_millis(100));
    assert!(lease.is_current() && server.holder() == "a");
}

#[tokio::test(start_paused = true)]
async fn a_standby_writes_nothing_while_the_holder_renews_and_takes_over_once_it_stops() {
    let server = Server::default();
    let (first, second) = (Arc::new(server.lease("a")), server.lease("b"));
    first.acquire().await;
    let holder = first.clone();
    let renewing = tokio::spawn(async move { holder.keep(CancellationToken::new()).await });
    let wait = tokio::time::timeout(Duration::from_secs(120), second.acquire()).await;
    assert!(wait.is_err(), "taken from a living holder");
    assert_eq!(server.holder(), "a");
    renewing.abort();
    let took = elapsed(second.acquire()).await;
    assert!(took >= LEASE * 3 / 4, "{took:?}: the last renewal may be as old as that");
    assert!(took <= LEASE + Duration::from_secs(2), "{took:?}");
    assert_eq!(server.holder(), "b");
    assert!(!first.is_current(), "the first stopped to believe in it before");
}

#[tokio::test(start_paused = true)]
async fn a_released_lease_is_taken_at_once() {
    let server = Server::default();
    let (first, second) = (server.lease("a"), server.lease("b"));
    first.acquire().await;
    let waiting = tokio::spawn(async move {
        second.acquire().await;
        second
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    let released = Instant::now();
    first.release().await;
    assert!(!first.is_current(), "who releases writes no more");
    assert!(waiting.await.unwrap().is_current());
    assert!(released.elapsed() <= Duration::from_secs(1), "{:?}", released.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_holders_own_duration_counts_but_not_without_end() {
    for (theirs, at_least) in [(60, 60), (1, 15), (1_000_000, 300), (-5, 15)] {
        let server = Server::default();
        let spec = json!({"holderIdentity": "a", "leaseDurationSeconds": theirs});
        server.state().write(json!({"metadata": {"name": "snc-controller"}, "spec": spec}));
        let took = elapsed(server.lease("b").acquire()).await;
        let at_least = Duration::from_secs(at_least);
        assert!(took >= at_least && took < at_least + Duration::from_secs(2), "{theirs}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_standbys_one_takes_the_lease_and_the_other_goes_on_waiting() {
    let server = Server::default();
    let spec = json!({"holderIdentity": "dead", "leaseDurationSeconds": 15});
    server.state().write(json!({"metadata": {"name": "snc-controller"}, "spec": spec}));
    let (a, b) = (server.lease("a"), server.lease("b"));
    tokio::select! {
        () = a.acquire() => assert!(!b.is_current()),
        () = b.acquire() => assert!(!a.is_current()),
    }
    assert_ne!(a.is_current(), b.is_current());
    assert_eq!(server.state().writes, 2);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_whose_answer_got_lost_is_no_loss() {
    let server = Server::default();
    let lease = server.lease("a");
    lease.acquire().await;
    server.state().lose_answers = 1;
    let kept = tokio::time::timeout(LEASE * 3, lease.keep(CancellationToken::new())).await;
    assert!(kept.is_err(), "{kept:?}");
    assert!(lease.is_current());
}

#[tokio::test(start_paused = true)]
async fn a_lease_in_another_name_is_lost() {
    let server = Server::default();
    let lease = server.lease("a");
    lease.acquire().await;
    server.state().write(json!({"metadata": {"name": "snc-controller"}, "spec": {"holderIdentity": "b"}}));
    let kept = tokio::time::timeout(LEASE, lease.keep(CancellationToken::new())).await.unwrap();
    assert!(matches!(kept, Err(Error::LeaseLost { .. })), "{kept:?}");
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_away_costs_the_lease_before_anybody_else_could_have_it() {
    let server = Server::default();
    let (first, second) = (server.lease("a"), server.lease("b"));
    first.acquire().await;
    server.state().down = true;
    let started = Instant::now();
    let kept = first.keep(CancellationToken::new()).await;
    assert!(matches!(kept, Err(Error::LeaseLost { .. })), "{kept:?}");
    assert!(started.elapsed() < LEASE, "{:?}", started.elapsed());
    // A standby outlives the outage.
    let waiting = tokio::time::timeout(Duration::from_secs(60), second.acquire()).await;
    assert!(waiting.is_err());
    server.state().down = false;
    let took = elapsed(second.acquire()).await;
    assert!(took >= LEASE, "{took:?}: what it saw before it was cut off counts for nothing here");
}
