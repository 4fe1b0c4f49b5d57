//! The certificate that is served: which kind of TLS, and which files.

pub mod config;
pub mod reload;
