//! All cluster I/O: watch, apply, status, events, lease. Decisions are made in `snc-plan`.

mod apply;
mod assess;
mod audit;
mod canary;
mod certificates;
mod check;
mod context;
mod discovery;
mod endpoints;
mod error;
mod events;
mod gate;
mod lease;
mod ledger;
mod meter;
mod metrics;
mod migrate;
mod namespaces;
pub mod permissions;
mod probe;
mod queue;
mod reader;
mod reconcile;
// The assessor's loop publishes through it.
mod reports;
mod run;
mod signatures;
mod uninstall;
mod waivers;
mod watch;
mod webhook;

pub use certificates::Source;
pub use check::{Check, check};
pub use error::Error;
pub use metrics::Metrics;
pub use migrate::{Migration, migrate};
pub use probe::{Probe, measure};
pub use reader::Reader;
pub use run::{Config, run};
pub use uninstall::{Uninstall, uninstall};
pub use watch::Change;
pub use watch::stream::{Restart, Selector, Signal, follow};
pub use webhook::Webhook;
