//! The admission webhook: what is decided of an object that is written, and the server that says it.
//!
//! `review` and `decision` are pure; `server` and `tls` do the talking.

pub mod across;
pub mod decision;
pub mod metrics;
pub mod review;
pub mod server;
pub mod tls;
