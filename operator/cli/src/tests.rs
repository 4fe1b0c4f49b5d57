//! The models and their forms, from small clusters in memory.

mod assessment;
mod exceptions;
mod fixtures;
mod flows;
mod images;
mod lockout;
mod logs;
mod plan;
mod preflight;
mod reach;
mod status;
mod who;
