//! The catalogue and what judges by it. One program: each further one would be linked on its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod custom;
mod fixtures;
mod live;
mod score;
mod support;
mod whole;
