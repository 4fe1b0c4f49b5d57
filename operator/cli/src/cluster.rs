//! Reading the cluster. Nothing here decides anything, and nothing writes.

mod assessment;
mod audit;
mod connect;
mod gather;
mod list;
mod preflight;
mod reach;
mod rights;
mod snapshot;

pub use audit::unread;
pub use connect::{Cluster, connect};
#[cfg(test)]
pub use list::Kind;
pub use list::Trouble;
