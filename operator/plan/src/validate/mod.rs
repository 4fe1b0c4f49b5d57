//! Declared objects to values that cannot be wrong; what does not pass is a `Refusal`, never an error.

mod constraints;
mod flows;
mod labels;
mod parameters;

pub use constraints::{amounts, baseline, policy, tenant};
pub use flows::{FlowContext, MAX_FLOWS, ResolvedFlows, flows, is_unsafe_port};
pub use labels::selector;
