//! The guards: static `ValidatingAdmissionPolicy` objects that hold while the operator is down.
//!
//! They obey three rules. Their CEL is total: no object, however odd, makes it fail, because a failing
//! expression under `failurePolicy: Fail` refuses the request. It is true for every object without a guarded
//! key, a reserved name or our label, so that a cluster is never locked out. And every field that the API
//! server would default is spelled out, so that what is read back equals what was applied.

mod binding;
mod build;
mod canary;
mod controls;
mod exceptions;
mod gate;
mod managed_objects;
mod namespace_guard;
mod ratchet;
mod reserved_names;
mod status;
mod webhooks;

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use snc_core::lang::Lang;
use snc_core::names::{
    GUARD_BINDING, GUARD_CANARY, GUARD_EXCEPTION, GUARD_GATE, GUARD_MANAGED, GUARD_NAMESPACE, GUARD_NOTICE,
    GUARD_RATCHET, GUARD_RESERVED, GUARD_STATUS, GUARD_WEBHOOK,
};

/// Who the operator is for the API server, and whom it lets past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub namespace: String,
    pub service_account: String,
    /// The group that refusals of workloads do not hold up. Nothing that isolates is theirs to pass.
    pub bypass_group: Option<String>,
}

impl Identity {
    /// Without a group that is let past.
    pub fn new(namespace: impl Into<String>, service_account: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), service_account: service_account.into(), bypass_group: None }
    }

    pub fn username(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.service_account)
    }
}

/// A policy and the bindings that make it act.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    pub policy: ValidatingAdmissionPolicy,
    pub bindings: Vec<ValidatingAdmissionPolicyBinding>,
}

pub use build::{CONTROLS, bypass_group, in_group};
pub use controls::{BINDINGS, POLICIES};

/// What the guards are called, besides the policies of controls ([`POLICIES`]).
pub const GUARDS: &[&str] = &[
    GUARD_GATE,
    GUARD_NOTICE,
    GUARD_NAMESPACE,
    GUARD_MANAGED,
    GUARD_RESERVED,
    GUARD_RATCHET,
    GUARD_EXCEPTION,
    GUARD_STATUS,
    GUARD_WEBHOOK,
    GUARD_BINDING,
    GUARD_CANARY,
];

/// All guards, in the order in which they are applied: the gate first, since nothing is labelled before it acts; then
/// the policies of controls.
pub fn guards(identity: &Identity, lang: Lang) -> Vec<Guard> {
    let mut guards = vec![
        gate::gate(identity, lang),
        gate::notice(lang),
        namespace_guard::guard(identity, lang),
        managed_objects::guard(identity, lang),
        reserved_names::guard(identity, lang),
        ratchet::guard(lang),
        exceptions::guard(identity, lang),
        status::guard(identity, lang),
        webhooks::guard(identity, lang),
        binding::guard(lang),
        canary::guard(identity, lang),
    ];
    guards.extend(controls::policies(identity, lang));
    guards
}

#[cfg(test)]
mod tests;
