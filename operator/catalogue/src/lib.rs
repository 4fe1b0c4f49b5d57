//! The requirements of the referential, the controls that check them, and the engine that judges objects.
//!
//! A control of one object is a file of YAML under `controls/`; a control of several is a file of Rust under
//! `src/checks/`, with the same YAML at its head. The build script finds both.

mod admission;
mod assessed;
mod audit_log;
mod catalogue;
mod checks;
mod cluster;
mod custom;
mod evaluate;
pub mod images;
mod isolation;
mod live;
mod normal;
mod profile;
pub mod rbac;
mod render;
mod rule;
mod scores;

pub use admission::Admission;
pub use assessed::{Assessed, Counts, Finding, Findings, Tally, Waived};
pub use catalogue::{Broken, CUSTOM, Catalogue, MOST_CUSTOM, chapters, controls, requirements};
pub use checks::{Check, World};
pub use custom::{Mistake, custom};
pub use evaluate::{Evaluation, Gist, Judge, Object, Scales, Weighed};
pub use live::{Governed, Held, Live, Tenancy, ToVerify, Weigher};
pub use profile::{Profile, Profiles, Settings, Uniform, Zones};
pub use render::{POD_KINDS, Rendered, VARIABLES, render};
pub use rule::Compiled;
pub use scores::{Numbers, RequirementState, States};
