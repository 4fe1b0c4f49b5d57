//! The engine, against expectations of people, of Kubernetes and of a naive evaluator. One program: each further one would be
//! linked on its own.

#![allow(clippy::unwrap_used, clippy::panic)]

mod cluster_policies;
mod fixtures;
mod openings;
mod reach;
mod semantics;
mod support;
mod upstream;
