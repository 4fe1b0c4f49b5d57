//! `snc-operator audit-sink`, `audit-tail` and `audit-policy`: the processes of the audit log. What they do is in `snc-sink` and
//! `snc-audit`; here are their arguments, and the side of the sink that speaks to Kubernetes.

mod authority;
mod cluster;
mod people;
mod policy;
mod sink;
mod tail;
mod wishes;
mod without;

pub use policy::main as policy;
pub use sink::main as sink;
pub use tail::main as tail;
pub use tail::metrics::Metrics as TailMetrics;
