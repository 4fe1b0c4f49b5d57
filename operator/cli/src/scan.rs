//! Manifests judged by the catalogue, with no cluster and no network.

mod intake;
mod locate;
mod pieces;
mod pipeline;
mod run;

pub use run::{Asked, Origin, Scanned, scan};

#[cfg(test)]
mod fuzz;
