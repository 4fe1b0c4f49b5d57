//! Plans, against an API server in memory. One program: each further one would be linked on its own.

#![allow(clippy::unwrap_used, clippy::panic)]

mod assessment;
mod constraints;
mod controls;
mod flows;
mod matrix;
mod namespace;
mod network;
mod profile;
mod quota;
mod retention;
mod simulation;
mod status;
mod support;
