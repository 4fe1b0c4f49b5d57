//! `kubectl snc`: what the operator says, what it would do, and which flows are open.

mod args;
mod cluster;
mod commands;
mod manifests;
mod model;
mod outcome;
mod render;
mod scan;
mod sink;
mod tailoring;
mod words;

#[cfg(test)]
mod tests;

use args::{Args, Parsed};
use outcome::{Answer, Outcome};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match args::parse(std::env::args_os()) {
        Ok(Parsed::Run(args)) => args,
        Ok(Parsed::Show(text)) => return finish(&Answer::text(text)),
        Err(outcome) => return finish(&outcome.into()),
    };
    finish(&run(&args).unwrap_or_else(|error| Outcome::undecided(format!("{error:#}")).into()))
}

fn run(args: &Args) -> anyhow::Result<Answer> {
    // One TLS provider for the whole product; an error here means that it is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    Ok(runtime.block_on(commands::run(args)).unwrap_or_else(Answer::from))
}

/// A reader that goes away (`| head`) is no reason to fail.
fn finish(answer: &Answer) -> ExitCode {
    let _ = std::io::stdout().lock().write_all(answer.text.as_bytes());
    let mut stderr = std::io::stderr().lock();
    for reason in &answer.outcome.reasons {
        let _ = writeln!(stderr, "{}", render::clean::lines(reason));
    }
    answer.outcome.code().into()
}
