//! Real Kubernetes control planes on loopback: where the tools come from, how they start, how they end.
//!
//! Processes are told apart by pid, start time and boot, never by name, so that nothing else on the
//! machine is ever signalled. Reading those needs Linux's `/proc`.

mod certs;
mod client;
mod components;
mod control_plane;
mod files;
mod fleet;
mod go_source;
mod instance;
pub mod interrupt;
mod kubeconfig;
pub mod node;
mod ports;
mod process;
mod progress;
mod tool;
mod tool_build;
mod toolchain;
mod wait;
pub mod workspace;

pub use client::{Client, Output};
pub use control_plane::{Builder, ControlPlane, PRIMARY_API_SERVER};
pub use fleet::{Health, InstanceReport, ProcessReport, list, reap_orphans, reap_orphans_in, report, stop};
pub(crate) use fleet::{lock, stop_locked};
pub use go_source::go_source;
pub use instance::{Instance, ProcessRecord, Record};
pub use kubeconfig::User;
pub use ports::{free_port, free_ports};
pub use process::{ProcessIdentity, ProcessSpec};
pub use progress::Progress;
pub use rustix::process::Signal;
pub use tool::{KUBERNETES_VERSION, Tool};
pub use tool_build::Prefetch;
pub(crate) use tool_build::go_command;
pub use toolchain::{Environment, Source, Toolchain};
pub use wait::{Deadline, wait_until};
