//! All cluster I/O: watch, apply, status, events, lease. Decisions are made in `snc-plan`.

mod apply;
mod assess;
mod context;
mod discovery;
mod endpoints;
mod error;
mod events;
mod gate;
mod lease;
mod meter;
mod metrics;
mod namespaces;
pub mod permissions;
mod queue;
mod reconcile;
// The assessor's loop publishes through it.
mod reports;
mod run;
mod watch;

pub use error::Error;
pub use run::{Config, run};
