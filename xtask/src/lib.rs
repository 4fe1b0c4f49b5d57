//! Developer commands of snc-operator, and the harness that the end-to-end tests run on.

pub mod commands;
pub mod harness;
pub mod image;
