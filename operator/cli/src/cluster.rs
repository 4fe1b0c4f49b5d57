//! Reading the cluster. Nothing here decides anything, and nothing writes.

mod connect;
mod gather;
mod list;
mod snapshot;

pub use connect::{Cluster, connect};
pub use list::Trouble;
