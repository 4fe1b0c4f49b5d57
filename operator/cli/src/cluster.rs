//! Reading the cluster. Nothing here decides anything, and nothing is written but scans of images that are imported.

mod assessment;
mod audit;
mod audit_log;
mod connect;
mod exceptions;
mod gather;
mod images;
mod list;
mod lockout;
mod preflight;
mod reach;
mod rights;
mod snapshot;
mod who;

pub use audit::unread;
pub use connect::{Cluster, connect, own_token};
pub use exceptions::Exceptions;
pub use images::{Images, Written};
pub use list::{Kind, Trouble, chain};
