//! How a tenant's total is divided among its namespaces.

use crate::quantity::Amount;
use std::collections::BTreeMap;

/// A namespace that got less than it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excess {
    pub resource: String,
    pub asked: Amount,
    pub granted: Amount,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Share {
    pub hard: BTreeMap<String, Amount>,
    pub excess: Vec<Excess>,
}

/// By namespace.
pub type Shares = BTreeMap<String, Share>;
