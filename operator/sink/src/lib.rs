//! Takes the audit events of API servers in, loses none, and gives each tenant its own.
//!
//! What is acknowledged is in the journal; what the journal lets go is sealed in the store. Kubernetes is behind
//! [`cluster::Cluster`]: everything here runs without it, and goes on with what it last said while it is silent.

pub mod alarms;
pub mod cluster;
pub mod detect;
pub mod forward;
pub mod gaps;
pub mod house;
pub mod intake;
pub mod journal;
pub mod keep;
pub mod metrics;
pub mod notices;
pub mod own;
pub mod policy;
pub mod probe;
pub mod run;
pub mod seen;
pub mod serve;
pub mod settings;
pub mod status;
pub mod tail;
pub mod wishes;

#[cfg(test)]
mod bench;
