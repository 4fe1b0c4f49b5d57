//! `logs query`.

use super::pages::{Asked, Book};
use super::sheet::Sheet;
use super::shown;
use crate::args::logs::place::Place;
use crate::args::logs::{Filter, QueryArgs, Whose};
use crate::args::{Args, Format};
use crate::cluster::connect;
use crate::model::logs::RecordsReport;
use crate::outcome::{Answer, Outcome};
use crate::render::logs::records as render;
use jiff::Timestamp;
use snc_core::text::Text;
use std::io::{ErrorKind, IsTerminal, Write};

pub async fn run(args: &Args, asked: &QueryArgs) -> Result<Answer, Outcome> {
    let filter = whole(args, asked).await?;
    let about = Asked::new(&filter, Timestamp::now(), args)?;
    let mut book = Book::open(args, &asked.place).await?;
    if matches!(args.format, Format::JsonLines | Format::Csv) {
        let terminal = std::io::stdout().is_terminal();
        let mut sheet = Sheet::new(args.format, terminal);
        let outcome =
            stream(args, &mut book, &about, asked.limit, &mut sheet, &mut std::io::stdout()).await?;
        return Ok(outcome.into());
    }
    let limit = asked.limit.unwrap_or_default();
    let (mut records, mut lacks, mut from) = (Vec::new(), Lacks::default(), None);
    let mut sealed = None;
    let more = loop {
        let page = book.page(args, &about, limit.saturating_sub(records.len()), from).await?;
        records.extend(page.records);
        lacks.add(page.findings, page.expired);
        // That of the first page: what was sealed since may be missing from it.
        sealed = sealed.or(page.sealed);
        from = page.next;
        if from.is_none() || records.len() >= limit {
            break from.is_some();
        }
    };
    let report = RecordsReport::new(&filter.whose, (about.since, about.until), &records, more, sealed);
    let text = match args.format {
        Format::Markdown => render::markdown(&report, args.lang),
        _ => shown(args, &report, |screen| render::table(&report, args.lang, screen))?,
    };
    Ok(Answer { text, outcome: lacks.outcome(args) })
}

/// Whose the namespace is, where nobody said whose records.
async fn whole(args: &Args, asked: &QueryArgs) -> Result<Filter, Outcome> {
    let mut filter = asked.filter.clone();
    let (Whose::NotSaid, Some(namespace), Place::Sink(_)) = (&filter.whose, &filter.namespace, &asked.place)
    else {
        return Ok(filter);
    };
    let give = args.lang.str("dites --tenant NOM", "say --tenant NAME");
    let tenant = connect(args).await?.tenant_of(namespace).await;
    filter.whose = match tenant {
        Ok(Some(tenant)) => Whose::Tenant(tenant),
        Ok(None) => Whose::Platform,
        Err(trouble) => return Err(Outcome::undecided(format!("{}\n{give}", trouble.message(args.lang)))),
    };
    Ok(filter)
}

/// Until `limit`, or all of them. A reader that goes away ends it.
pub async fn stream(
    args: &Args,
    book: &mut Book,
    asked: &Asked<'_>,
    limit: Option<usize>,
    sheet: &mut Sheet,
    to: &mut impl Write,
) -> Result<Outcome, Outcome> {
    let (mut had, mut lacks, mut from) = (0_usize, Lacks::default(), None);
    loop {
        let most = limit.map_or(usize::MAX, |limit| limit.saturating_sub(had));
        let page = book.page(args, asked, most, from).await?;
        had += page.records.len();
        lacks.add(page.findings, page.expired);
        match to.write_all(sheet.rows(&page.records).as_bytes()) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
            Err(error) => return Err(not_written(&error, args)),
        }
        from = page.next;
        if from.is_none() || limit.is_some_and(|limit| had >= limit) {
            break;
        }
    }
    match to.flush() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(not_written(&error, args)),
        _ => Ok(lacks.outcome(args)),
    }
}

pub fn not_written(error: &std::io::Error, args: &Args) -> Outcome {
    Outcome::undecided(
        args.lang.pick(|| format!("écriture impossible : {error}"), || format!("cannot write: {error}")),
    )
}

/// What is not in an answer that should be, and what no longer is.
#[derive(Default)]
struct Lacks {
    findings: Vec<Text>,
    expired: u64,
}

impl Lacks {
    fn add(&mut self, findings: Vec<Text>, expired: u64) {
        self.findings.extend(findings);
        self.findings.dedup();
        self.expired += expired;
    }

    fn outcome(self, args: &Args) -> Outcome {
        let Self { findings, expired } = self;
        let mut reasons: Vec<String> = findings.iter().map(|text| text.get(args.lang).to_owned()).collect();
        if expired > 0 {
            reasons.push(args.lang.pick(
                || format!("{expired} segment(s) de cette période sont échus et n'y sont plus"),
                || format!("{expired} segment(s) of that time are past their retention and no longer in it"),
            ));
        }
        Outcome { findings: !findings.is_empty(), reasons, ..Outcome::default() }
    }
}
