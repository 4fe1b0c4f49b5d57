//! The models and their forms, from small clusters in memory.

mod assessment;
mod fixtures;
mod flows;
mod plan;
mod preflight;
mod reach;
mod status;
