//! Snapshot and effective policy in, desired objects and status out. No I/O; the clock is a parameter.

pub mod audit;
pub mod canary;
pub mod effective;
pub mod governance;
pub mod guards;
pub mod matrix;
pub mod namespace;
mod network;
pub mod objects;
pub mod probe;
pub mod profile;
pub mod quota;
pub mod settings;
pub mod status;
pub mod tenancy;
pub mod validate;
pub mod waivers;
pub mod webhook;

pub use namespace::{NamespacePlan, plan_namespace};
pub use profile::{cluster_profile, profile};
pub use settings::{ClusterFacts, Settings};
