//! Nouns and rules of the product, with no Kubernetes client, no clock and no I/O.

pub mod audit;
pub mod cidr;
pub mod condition;
pub mod control;
pub mod facts;
pub mod flow;
pub mod image;
pub mod lang;
pub mod lattice;
pub mod names;
pub mod parameters;
pub mod policy;
pub mod policy_kinds;
pub mod quantity;
pub mod quota;
pub mod requirement;
pub mod reserved;
pub mod secrets;
pub mod skim;
pub mod snapshot;
pub mod text;
pub mod tier;
pub mod verdict;
pub mod waiver;
