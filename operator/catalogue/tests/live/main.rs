//! What changes is judged as if it were judged afresh.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod afresh;
mod made;
mod objects;
mod same;
mod size;
mod unknown;
mod waived;
