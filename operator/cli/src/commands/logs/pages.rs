//! Records page by page, from the sink or from a store.

use super::{open_store, wrong};
use crate::args::Args;
use crate::args::logs::place::Place;
use crate::args::logs::{Filter, Whose};
use crate::outcome::Outcome;
use crate::sink::{self, Sink, wire};
use jiff::Timestamp;
use snc_auditlog::{Cursor, Partition, Query, Reader, Record};
use snc_core::text::{Refusal, Text};

/// Records that are asked for at a time.
const PAGE: usize = 1_000;

pub enum Book {
    Sink(Box<Sink>),
    Store(Box<Reader>),
}

/// Where the next page begins.
pub enum Next {
    Sink(String),
    Store(Cursor),
}

pub struct Page {
    pub records: Vec<Record>,
    pub next: Option<Next>,
    /// Up to when everything that was received is in the answer, where that is told.
    pub sealed: Option<Timestamp>,
    /// What was found to be wrong on the way, and is missing from the answer.
    pub findings: Vec<Text>,
    /// What is missing from it because its time is over.
    pub expired: u64,
}

/// A filter of which the times are known.
pub struct Asked<'a> {
    pub filter: &'a Filter,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

impl<'a> Asked<'a> {
    pub fn new(filter: &'a Filter, now: Timestamp, args: &Args) -> Result<Self, Outcome> {
        let (since, until) =
            (filter.since.map(|when| when.from(now)), filter.until.map(|when| when.from(now)));
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            let (fr, en) = (format!("après --since ({since})"), format!("after --since ({since})"));
            return Err(Outcome::bad_input(
                Refusal::new("--until", until.to_string(), fr, en).message(args.lang),
            ));
        }
        Ok(Self { filter, since, until })
    }

    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let filter = self.filter;
        let mut all = parameters(&filter.whose);
        let mut put = |name, value: Option<String>| all.extend(value.map(|value| (name, value)));
        put("namespace", filter.namespace.clone());
        put("user", filter.user.clone());
        put("verb", filter.verb.clone());
        put("resource", filter.resource.clone());
        put("subresource", filter.subresource.clone());
        put("name", filter.name.clone());
        put("code", filter.code.map(|code| code.to_string()));
        put("since", self.since.map(|at| at.to_string()));
        put("until", self.until.map(|at| at.to_string()));
        all
    }

    pub fn partition(&self, args: &Args) -> Result<Partition, Outcome> {
        partition(&self.filter.whose, args)
    }
}

pub fn parameters(whose: &Whose) -> Vec<(&'static str, String)> {
    match whose {
        Whose::NotSaid => Vec::new(),
        Whose::Tenant(name) => vec![("tenant", name.clone())],
        Whose::Platform => vec![("platform", "true".to_owned())],
    }
}

/// In a store nobody knows whose a namespace is.
pub fn partition(whose: &Whose, args: &Args) -> Result<Partition, Outcome> {
    match whose {
        Whose::Platform => Ok(Partition::Platform),
        Whose::Tenant(name) => name.parse().map(Partition::Tenant).map_err(|_| {
            let (fr, en) = ("le nom d'un SncTenant", "the name of an SncTenant");
            Outcome::bad_input(Refusal::new("--tenant", name, fr, en).message(args.lang))
        }),
        Whose::NotSaid => {
            Err(Outcome::bad_input(args.lang.str(
                "avec --store : --tenant NOM ou --platform",
                "with --store: --tenant NAME or --platform",
            )))
        }
    }
}

impl Book {
    pub async fn open(args: &Args, place: &Place) -> Result<Self, Outcome> {
        match place {
            Place::Sink(asked) => Ok(Self::Sink(Box::new(sink::open(args, asked).await?))),
            Place::Store(asked) => {
                let reader = Reader::open(open_store(asked, args)?.store, None).await;
                Ok(Self::Store(Box::new(reader.map_err(|error| wrong(&error, args))?)))
            }
        }
    }

    /// No more than `most` records.
    pub async fn page(
        &mut self,
        args: &Args,
        asked: &Asked<'_>,
        most: usize,
        from: Option<Next>,
    ) -> Result<Page, Outcome> {
        let limit = most.clamp(1, PAGE);
        match (self, from) {
            (Self::Sink(sink), from) => {
                let mut parameters = asked.parameters();
                parameters.push(("limit", limit.to_string()));
                if let Some(Next::Sink(cursor)) = from {
                    parameters.push(("cursor", cursor));
                }
                let answer = sink.get("/v1/events", &parameters).await;
                let page = answer
                    .and_then(|body| wire::page(&body))
                    .map_err(|failure| failure.outcome(args.lang))?;
                let wire::Page { records, next, sealed, findings } = page;
                Ok(Page { records, next: next.map(Next::Sink), sealed, findings: told(findings), expired: 0 })
            }
            (Self::Store(reader), from) => {
                let filter = asked.filter;
                let cursor = match from {
                    Some(Next::Store(cursor)) => Some(cursor),
                    _ => None,
                };
                let query = Query {
                    since: asked.since,
                    until: asked.until,
                    user: filter.user.clone(),
                    verb: filter.verb.clone(),
                    resource: filter.resource.clone(),
                    subresource: filter.subresource.clone(),
                    namespace: filter.namespace.clone(),
                    name: filter.name.clone(),
                    code: filter.code,
                    limit,
                    cursor,
                    ..Query::of(asked.partition(args)?)
                };
                let page = reader.query(&query).await.map_err(|error| wrong(&error, args))?;
                let findings = page.findings.iter().map(snc_auditlog::Finding::text).collect();
                let next = page.next.map(Next::Store);
                Ok(Page { records: page.records, next, sealed: None, findings, expired: page.expired })
            }
        }
    }
}

/// Those that are not listed are counted.
fn told(findings: wire::Findings) -> Vec<Text> {
    let wire::Findings { total, mut items } = findings;
    if let Some(others) = total.checked_sub(items.len()).filter(|others| *others > 0) {
        items.push(Text::new(
            format!("{others} autre(s) constat(s) : logs verify les nomme"),
            format!("{others} other finding(s): logs verify names them"),
        ));
    }
    items
}
