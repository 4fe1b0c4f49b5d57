mod args;
mod audit;
mod check;
mod controller;
mod migrate;
mod print;
mod probe;
mod start;
mod uninstall;
mod webhook;

use args::{Args, Command};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Args { command } = Args::parse();
    let result = match command {
        Command::Controller(args) => controller::main(args),
        Command::Webhook(args) => webhook::main(args),
        Command::Migrate(args) => migrate::main(args),
        Command::Uninstall(args) => uninstall::main(args),
        Command::Check(args) => check::main(args),
        Command::Probe(args) => probe::main(args),
        Command::AuditSink(args) => audit::sink(*args),
        Command::AuditTail(args) => audit::tail(args),
        Command::AuditPolicy(args) => audit::policy(&args),
        Command::Crds => print::crds(),
        Command::Metrics => print::metrics(),
        Command::Guards(args) => print::guards(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("snc-operator: {error:#}");
            ExitCode::FAILURE
        }
    }
}
