//! `logs export`: what a tenant takes away, and with it what proves it.

use super::pages::{Asked, Book};
use super::query::{not_written, stream};
use super::sheet::Sheet;
use super::unpack::{create, unpack};
use super::{open_store, verify, wrong};
use crate::args::logs::place::Place;
use crate::args::logs::{ExportArgs, Filter};
use crate::args::{Args, Format};
use crate::outcome::{Answer, Outcome};
use crate::sink;
use futures::StreamExt;
use jiff::Timestamp;
use snc_core::text::Refusal;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// What is not whole is not called what was asked for.
const PARTIAL: &str = ".partial";

pub async fn run(args: &Args, asked: &ExportArgs) -> Result<Answer, Outcome> {
    let now = Timestamp::now();
    let about = Asked::new(&asked.filter, now, args)?;
    let Some(to) = &asked.to else {
        let mut book = Book::open(args, &asked.place).await?;
        let mut sheet = Sheet::new(args.format, io::stdout().is_terminal());
        return Ok(stream(args, &mut book, &about, None, &mut sheet, &mut io::stdout()).await?.into());
    };
    if asked.with_proof {
        return proof(args, asked, &about, to, now).await;
    }
    let to = if to.is_dir() { to.join(file_name(&asked.filter, args)?) } else { to.clone() };
    let (partial, mut file) = begin(&to, args)?;
    let outcome = match records(args, asked, &about, &mut file).await {
        Ok(outcome) => outcome,
        Err(outcome) => return Err(abandon(file, &partial, outcome, args)),
    };
    finish(file, &partial, &to, args)?;
    Ok(Answer { text: written(&to, args), outcome })
}

async fn records(
    args: &Args,
    asked: &ExportArgs,
    about: &Asked<'_>,
    file: &mut impl Write,
) -> Result<Outcome, Outcome> {
    let mut book = Book::open(args, &asked.place).await?;
    stream(args, &mut book, about, None, &mut Sheet::new(args.format, false), file).await
}

async fn proof(
    args: &Args,
    asked: &ExportArgs,
    about: &Asked<'_>,
    to: &Path,
    now: Timestamp,
) -> Result<Answer, Outcome> {
    let tar = to.extension().is_some_and(|extension| extension == "tar");
    let is_empty = |dir: &Path| fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none());
    if to.exists() && (tar || !is_empty(to)) {
        return Err(exists(to, args));
    }
    let (partial, mut file) = partial(to, args)?;
    let sealed = match fetch(args, asked, about, now, &mut file).await {
        Ok(sealed) => sealed,
        Err(outcome) => return Err(abandon(file, &partial, outcome, args)),
    };
    if tar {
        finish(file, &partial, to, args)?;
    } else {
        let whole =
            flushed(file).and_then(|()| unpack(&partial, to)).and_then(|()| fs::remove_file(&partial));
        whole.map_err(|error| not_written(&error, args))?;
    }
    // Whoever takes it away knows at once whether it proves anything.
    let mut answer = verify::export(args, to, now)?;
    let mut head = written(to, args);
    if let Some(at) = sealed {
        head += &args.lang.pick(
            || format!("scellé jusqu'à {at} : ce qui a été reçu depuis n'y est pas\n"),
            || format!("sealed through {at}: what was received since is not in it\n"),
        );
    }
    answer.text.insert_str(0, &format!("{head}\n"));
    Ok(answer)
}

async fn fetch(
    args: &Args,
    asked: &ExportArgs,
    about: &Asked<'_>,
    now: Timestamp,
    file: &mut impl Write,
) -> Result<Option<Timestamp>, Outcome> {
    match &asked.place {
        Place::Sink(of) => {
            let mut parameters = about.parameters();
            if args.format == Format::Csv {
                parameters.push(("format", "csv".to_owned()));
            }
            let mut sink = sink::open(args, of).await?;
            sink.save("/v1/export", &parameters, file).await.map_err(|failure| failure.outcome(args.lang))
        }
        Place::Store(of) => {
            let store = open_store(of, args)?.store;
            let export = snc_auditlog::Export {
                partition: about.partition(args)?,
                from: None,
                since: about.since,
                until: about.until,
                format: if args.format == Format::Csv {
                    snc_auditlog::Format::Csv
                } else {
                    snc_auditlog::Format::Jsonl
                },
                now,
            };
            let pieces = snc_auditlog::export(&store, &export).await.map_err(|error| wrong(&error, args))?;
            let mut pieces = std::pin::pin!(pieces);
            while let Some(piece) = pieces.next().await {
                let piece = piece.map_err(|error| wrong(&error, args))?;
                file.write_all(&piece).map_err(|error| not_written(&error, args))?;
            }
            Ok(None)
        }
    }
}

fn file_name(filter: &Filter, args: &Args) -> Result<String, Outcome> {
    let partition = super::pages::partition(&filter.whose, args)?;
    let form = if args.format == Format::Csv { "csv" } else { "jsonl" };
    Ok(format!("{partition}.{form}"))
}

/// Nothing that is there already is written over: it may be evidence.
fn begin(to: &Path, args: &Args) -> Result<(PathBuf, BufWriter<File>), Outcome> {
    if to.exists() { Err(exists(to, args)) } else { partial(to, args) }
}

fn partial(to: &Path, args: &Args) -> Result<(PathBuf, BufWriter<File>), Outcome> {
    let mut name = to.components().as_path().as_os_str().to_owned();
    name.push(PARTIAL);
    let partial = PathBuf::from(name);
    match create(&partial) {
        Ok(file) => Ok((partial, BufWriter::new(file))),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists(&partial, args)),
        Err(error) => Err(Outcome::bad_input(format!("--output {}: {error}", to.display()))),
    }
}

fn flushed(file: BufWriter<File>) -> io::Result<()> {
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

fn finish(file: BufWriter<File>, partial: &Path, to: &Path, args: &Args) -> Result<(), Outcome> {
    let done = flushed(file).and_then(|()| fs::rename(partial, to));
    done.map_err(|error| not_written(&error, args))
}

/// What arrived stays, by a name that says what it is.
fn abandon(file: BufWriter<File>, partial: &Path, mut outcome: Outcome, args: &Args) -> Outcome {
    drop(file);
    if fs::metadata(partial).is_ok_and(|metadata| metadata.len() == 0) {
        let _ = fs::remove_file(partial);
        return outcome;
    }
    let partial = partial.display();
    let kept =
        args.lang.pick(|| format!("ce qui est arrivé : {partial}"), || format!("what arrived: {partial}"));
    outcome.reasons.push(kept);
    outcome
}

fn exists(path: &Path, args: &Args) -> Outcome {
    let (fr, en) = ("un nom qui n'existe pas encore", "a name that does not exist yet");
    Outcome::bad_input(Refusal::new("--output", path.display().to_string(), fr, en).message(args.lang))
}

fn written(to: &Path, args: &Args) -> String {
    let to = crate::render::clean::line(&to.display().to_string());
    args.lang.pick(|| format!("écrit : {to}\n"), || format!("written: {to}\n"))
}
