//! Records of one partition that fit a question: one per line, and a last line that says whether there are more.

use super::Server;
use super::answer::Asking;
use super::body::{Body, Pour, flow, response};
use super::cursor::Question;
use super::parameters::Parameters;
use super::refuse::Refused;
use bytes::Bytes;
use http::{Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use snc_audit::Partition;
use snc_auditlog::{Finding, Page, Query};
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

const NDJSON: &str = "application/x-ndjson";
const KNOWN: &[&str] = &[
    "tenant",
    "platform",
    "namespace",
    "user",
    "verb",
    "resource",
    "subresource",
    "name",
    "code",
    "since",
    "until",
    "limit",
    "cursor",
];
const USUAL: usize = 1000;
/// Read at a time: so many records are in memory for one request.
const AT_ONCE: usize = 1000;
/// Written at a time.
const PIECE: usize = 64 << 10;
/// What is wrong with the log, as far as it is listed.
const FINDINGS: usize = 20;

pub(super) async fn answer(asking: &mut Asking, query: Option<&str>) -> Result<Response<Body>, Refused> {
    let parameters = asking.parameters(query, KNOWN)?;
    let asked = read(&parameters, asking.server.limits.page)?;
    asking.access.partition = Some(asked.partition.clone());
    let (server, who) = (asking.server.clone(), asking.who.clone());
    let from = server.gate.logs(&who, &asked.partition, asked.namespace.as_deref()).await?;
    let question = question(&asked);
    let cursor = parameters.cursor().map(|text| {
        let inner = question.unbind(text)?;
        inner.parse().map_err(|_| Question::refused(text))
    });
    let asked = Query { cursor: cursor.transpose()?, since: asked.since.max(from), ..asked };
    if asking.head {
        return Ok(response(StatusCode::OK, NDJSON, Body::empty()));
    }
    asking.granted().await?;
    // Looked at before the log: what is sealed in between is in the answer, and nobody is told of too much.
    let sealed = server.house.sealed_through(&asked.partition);
    let limits = &server.limits;
    let mut flowing = Flowing {
        left: asked.limit,
        until: Instant::now() + limits.events,
        asked,
        question,
        sealed,
        findings: Findings::default(),
        expired: 0,
        server: server.clone(),
    };
    let first = flowing.page().await?;
    let (pour, body) = flow(limits.stall, limits.events + limits.stall);
    tokio::spawn(async move {
        // The client went, or the store did: the answer breaks off, and nobody takes it for whole.
        let _ = flowing.run(first, pour).await;
    });
    Ok(response(StatusCode::OK, NDJSON, body))
}

fn read(parameters: &Parameters, page: usize) -> Result<Query, Refused> {
    let (since, until) = parameters.times()?;
    Ok(Query {
        since,
        until,
        user: parameters.user()?,
        verb: parameters.verb()?,
        resource: parameters.resource("resource")?,
        subresource: parameters.resource("subresource")?,
        namespace: parameters.namespace()?,
        name: parameters.name()?,
        code: parameters.code()?,
        limit: parameters.limit(USUAL.min(page), page)?,
        ..Query::of(parameters.partition()?)
    })
}

fn question(query: &Query) -> Question {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let Query { partition, since, until, user, verb, resource, subresource, namespace, name, code, .. } =
        query;
    Question::new([
        ("partition", Some(partition.to_string())),
        ("since", time(*since)),
        ("until", time(*until)),
        ("user", user.clone()),
        ("verb", verb.clone()),
        ("resource", resource.clone()),
        ("subresource", subresource.clone()),
        ("namespace", namespace.clone()),
        ("name", name.clone()),
        ("code", code.map(|code| code.to_string())),
    ])
}

struct Flowing {
    server: Arc<Server>,
    asked: Query,
    question: Question,
    left: usize,
    until: Instant,
    sealed: Option<Timestamp>,
    findings: Findings,
    /// Segments that the question was about, and whose time was over.
    expired: u64,
}

struct Ended;

impl Flowing {
    async fn page(&mut self) -> Result<Page, Refused> {
        self.asked.limit = self.left.min(AT_ONCE);
        let until = Instant::now() + self.server.limits.events;
        let page = timeout_at(until, self.server.reader.query(&self.asked)).await;
        let why = match page {
            Ok(Ok(page)) => return Ok(page),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "not in time".to_owned(),
        };
        tracing::error!(why, partition = %self.asked.partition, "records not read");
        Err(Refused::store())
    }

    async fn run(mut self, mut page: Page, mut pour: Pour) -> Result<(), Ended> {
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            for record in &page.records {
                piece.extend_from_slice(record.line().as_bytes());
                piece.push(b'\n');
                if piece.len() >= PIECE {
                    pour.piece(std::mem::take(&mut piece).into()).await.map_err(|_| Ended)?;
                }
            }
            if !piece.is_empty() {
                pour.piece(piece.into()).await.map_err(|_| Ended)?;
            }
            self.findings.add(&page.findings, &self.asked.partition);
            self.expired += page.expired;
            self.left = self.left.saturating_sub(page.records.len());
            self.asked.cursor = page.next;
            if self.asked.cursor.is_none() || self.left == 0 || Instant::now() >= self.until {
                break;
            }
            page = self.page().await.map_err(|_| Ended)?;
        }
        let last = Bytes::from(format!("{}\n", self.last()));
        pour.piece(last).await.map_err(|_| Ended)?;
        pour.end().await.map_err(|_| Ended)
    }

    fn last(&self) -> Value {
        let next = self.asked.cursor.as_ref().map(|cursor| self.question.bind(&cursor.to_string()));
        let Findings { total, items } = &self.findings;
        let mut last = json!({"next": next, "truncated": next.is_some(), "sealedThrough": self.sealed});
        if let Some(last) = last.as_object_mut() {
            if *total > 0 {
                last.insert("findings".to_owned(), json!({"total": total, "items": items}));
            }
            if self.expired > 0 {
                last.insert("expiredSegments".to_owned(), self.expired.into());
            }
        }
        last
    }
}

/// What could not be read or proven of what was asked for: the answer is not whole then, and says so.
#[derive(Default)]
struct Findings {
    total: usize,
    items: Vec<Value>,
}

impl Findings {
    fn add(&mut self, findings: &[Finding], partition: &Partition) {
        self.total += findings.len();
        // Names of others are in what is about others.
        let own = findings.iter().filter(|finding| finding.partition.as_ref() == Some(partition));
        let room = FINDINGS.saturating_sub(self.items.len());
        self.items.extend(own.take(room).map(|finding| {
            let text = finding.text();
            json!({"fr": text.fr, "en": text.en})
        }));
    }
}
