use super::current;
use super::status::{self, worst};
use crate::apply::Version;
use crate::context::Context;
use crate::error::{code, reason};
use crate::events::{about_namespace, object};
use crate::queue::Outcome;
use crate::{apply, namespaces};
use jiff::Timestamp;
use kube::{Api, Resource};
use snc_api::v1alpha1::{SncPolicy, SncPolicyStatus};
use snc_core::condition::{kind, reason as why};
use snc_core::names::{DEFAULT_DENY, LABEL_ISOLATED};
use snc_index::{ManagedKind, ObjectKey};
use snc_plan::namespace::{NamespacePlan, Orphan};
use snc_plan::objects::Desired;
use snc_plan::plan_namespace;
use snc_plan::status::{Failure, ImageNotice, image_notice, network_status, policy_status};
use std::time::Duration;

/// In case an event that we wait for does not come.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

pub async fn reconcile(context: &Context, name: &str) -> Outcome {
    let plan = {
        let index = context.index();
        plan_namespace(&index, &context.settings, &context.cluster(), name, Timestamp::now())
    };
    context.metrics.found(name, plan.report.as_ref().map(|report| network_status(&report.network.state)));
    // Before everything was listed once, what is not in the index may well be in the cluster.
    if plan.steps.is_empty() || context.inputs.synced_at().is_none() {
        context.memory().rounds.remove(name);
        return say(context, &plan, &[]).await;
    }
    tracing::debug!(namespace = name, steps = %plan.steps, "acting");
    let mut run = Run { context, plan: &plan, failures: Vec::new(), waits: false };
    run.steps().await;
    let Run { failures, waits, .. } = run;
    for failure in &failures {
        tracing::warn!(
            namespace = name,
            what = failure.what,
            error = failure.error,
            reason = failure.reason,
            "step refused"
        );
    }
    let rounds = {
        let mut memory = context.memory();
        let rounds = memory.rounds.entry(name.to_owned()).or_default();
        *rounds = rounds.saturating_add(1);
        *rounds
    };
    let outcome = if failures.is_empty() {
        Outcome::Later(if waits { Duration::from_secs(1) } else { LOOK_AGAIN })
    } else {
        Outcome::Failed
    };
    if failures.is_empty() && rounds < PATIENCE {
        // The watches bring back what was written; the status is said of what is, not of what was asked.
        return outcome;
    }
    worst(outcome, say(context, &plan, &failures).await)
}

/// So many rounds without coming to rest, and the status says that it is still under way.
const PATIENCE: u32 = 4;

/// The status of every policy of the namespace, where it changed.
async fn say(context: &Context, plan: &NamespacePlan, failures: &[Failure]) -> Outcome {
    let name = plan.namespace.as_str();
    let api: Api<SncPolicy> = Api::namespaced(context.client.clone(), name);
    let policies: Vec<_> = context.index().policies(name).map(|(_, policy)| policy.clone()).collect();
    let found = context.found.borrow().clone();
    let assessed = found.as_ref().map(|found| &*found.assessed);
    let mut outcome = Outcome::Done;
    for policy in policies {
        match policy {
            Ok(policy) => {
                let fresh =
                    policy_status(&policy, plan, failures, assessed, context.settings.lang, Timestamp::now());
                if policy.status.as_ref() != Some(&fresh) {
                    let written = status::write(&api, &*policy, &fresh).await;
                    if matches!(written, Outcome::Done) {
                        tell(context, &policy, &fresh).await;
                    }
                    outcome = worst(outcome, written);
                }
            }
            Err(unreadable) => {
                let kinds = [kind::READY, kind::NETWORK_POLICY_EFFECTIVE, kind::NETWORK_ISOLATED];
                status::unreadable(context, &api, &unreadable, &kinds).await;
            }
        }
    }
    outcome
}

/// What people are told when it becomes otherwise, and no other time.
async fn tell(context: &Context, policy: &SncPolicy, fresh: &SncPolicyStatus) {
    let Some(ImageNotice { warning, reason, note }) = image_notice(policy.status.as_ref(), fresh) else {
        return;
    };
    let about = policy.object_ref(&());
    if warning {
        context.events.warning(&about, reason, "Judge", note).await;
    } else {
        context.events.normal(&about, reason, "Judge", note).await;
    }
}

/// The steps of one plan, in its order. A refused step is remembered and the others go on, as far as they do not
/// depend on it.
struct Run<'a> {
    context: &'a Context,
    plan: &'a NamespacePlan,
    failures: Vec<Failure>,
    /// Something is put off until deletes are allowed.
    waits: bool,
}

impl Run<'_> {
    async fn steps(&mut self) {
        let steps = &self.plan.steps;
        let (name, uid) = (self.plan.namespace.as_str(), self.plan.uid.as_deref().unwrap_or_default());
        if steps.drop_isolated {
            let result = namespaces::drop_isolated(self.context, name, uid).await;
            self.check(why::APPLY_FAILED, "Namespace (isolated)", result);
        }
        if let Some(labels) = &steps.labels {
            let result = namespaces::set_labels(self.context, name, uid, labels).await;
            if !self.check(why::APPLY_FAILED, "Namespace (labels)", result) {
                return;
            }
        }
        if let Some(labels) = &steps.pod_security {
            let result = namespaces::set_pod_security(self.context, name, uid, labels).await;
            let why = match &result {
                Err(error) if code(error) == 409 => why::LABEL_CONFLICT,
                _ => why::APPLY_FAILED,
            };
            let conflict = result.as_ref().err().filter(|_| why == why::LABEL_CONFLICT).map(reason);
            let said = {
                let mut memory = self.context.memory();
                let before = match &conflict {
                    Some(text) => memory.label_conflicts.insert(name.to_owned(), text.clone()),
                    None => memory.label_conflicts.remove(name),
                };
                before == conflict
            };
            if let Some(text) = conflict.filter(|_| !said) {
                let about = about_namespace(name, Some(uid));
                self.context.events.warning(&about, why::LABEL_CONFLICT, "Apply", text).await;
            }
            self.check(why, "Namespace (pod-security)", result);
        }
        for desired in &steps.objects {
            // Somebody else may hold the lease by now, and know better.
            if !self.context.lease.is_current() {
                self.waits = true;
                return;
            }
            let result = apply::apply(self.context, name, desired).await;
            let version = result.as_ref().ok().cloned().flatten();
            if self.check(why::APPLY_FAILED, &desired.key().to_string(), result) {
                self.repaired(desired, version).await;
            } else if desired.key().name == DEFAULT_DENY {
                return;
            }
        }
        let isolated = match &steps.isolate {
            Some((value, expected)) => self.isolate(value, expected).await,
            None => self.context.index().namespace(name).is_some_and(|n| n.label(LABEL_ISOLATED).is_some()),
        };
        if isolated {
            for desired in &steps.rights {
                let result = apply::apply(self.context, name, desired).await;
                self.check(why::APPLY_FAILED, &desired.key().to_string(), result);
            }
        }
        if steps.release {
            self.release().await;
        } else {
            self.remove(&steps.orphans).await;
        }
    }

    /// The label that opens the gate, set only after the API server gave back what was applied.
    async fn isolate(&mut self, value: &str, expected: &[(ObjectKey, String)]) -> bool {
        let tenant = self.plan.governance.tenant().unwrap_or_default();
        let (name, uid) = (self.plan.namespace.as_str(), self.plan.uid.as_deref().unwrap_or_default());
        if value == "true" {
            let found = match apply::read_policies(self.context, name).await {
                Ok(found) => found,
                Err(error) => {
                    return self.check::<()>(why::APPLY_FAILED, "NetworkPolicy (read back)", Err(error));
                }
            };
            let refused = |key: &ObjectKey| self.failures.iter().any(|f| f.what == key.to_string());
            // A flow that the API server refused stays closed; the default-deny is never optional.
            let missing = expected.iter().find(|(key, fingerprint)| {
                found.get(key) != Some(fingerprint) && (key.name == DEFAULT_DENY || !refused(key))
            });
            if let Some((key, _)) = missing {
                let error = "not read back as applied".to_owned();
                self.failures.push(Failure { reason: why::POLICIES_MISSING, what: key.to_string(), error });
                return false;
            }
        }
        if value != "true" {
            match current::inputs(self.context, name, tenant).await {
                Ok(true) => {}
                Ok(false) => {
                    self.waits = true;
                    return false;
                }
                Err(error) => return self.check::<()>(why::APPLY_FAILED, "inputs (read back)", Err(error)),
            }
        }
        let result = namespaces::set_isolated(self.context, name, uid, value).await;
        let done = self.check(why::APPLY_FAILED, "Namespace (isolated)", result);
        if done && value == "true" {
            let count = expected.len();
            let note = self.context.settings.lang.pick(
                || format!("isolé : {count} NetworkPolicy relues, les pods sont admis"),
                || format!("isolated: {count} NetworkPolicies read back, pods are admitted"),
            );
            self.context
                .events
                .normal(&about_namespace(name, Some(uid)), why::ISOLATED, "Isolate", note)
                .await;
        }
        done
    }

    /// Says that something of ours had been changed by somebody else, and for how long a namespace was open.
    async fn repaired(&self, desired: &Desired, version: Version) {
        let (name, key, fingerprint) = (self.plan.namespace.as_str(), desired.key(), desired.fingerprint());
        let (before, missing) = {
            let mut memory = self.context.memory();
            let before = memory
                .applied
                .entry(name.to_owned())
                .or_default()
                .insert(key.clone(), (fingerprint.clone(), version.clone()));
            let missing = (key.name == DEFAULT_DENY).then(|| memory.deny_missing.remove(name)).flatten();
            (before, missing)
        };
        let restored = before
            .is_some_and(|(content, held)| content == fingerprint && version.is_some() && held != version);
        if !restored && missing.is_none() {
            return;
        }
        // An absence is an event of its own, not one more change folded into those before.
        let action = if missing.is_some() { "Restore" } else { "Repair" };
        let gap = missing.map(|since| Timestamp::now().duration_since(since).as_millis());
        let note = self.context.settings.lang.pick(
            || gap.map_or_else(|| format!("{key} rétabli"), |ms| format!("{key} rétabli ; absent {ms} ms")),
            || {
                gap.map_or_else(
                    || format!("{key} restored"),
                    |ms| format!("{key} restored; missing for {ms} ms"),
                )
            },
        );
        tracing::warn!(namespace = name, object = %key, missing_ms = gap, "repaired after a change by somebody else");
        let about = about_namespace(name, self.plan.uid.as_deref());
        self.context.events.warning_on(&about, object(name, &key), why::REPAIRED, action, note).await;
    }

    async fn remove(&mut self, orphans: &[Orphan]) {
        if orphans.is_empty() {
            return;
        }
        if !self.context.may_delete() {
            self.waits = true;
            return;
        }
        let name = self.plan.namespace.as_str();
        for orphan in orphans {
            let result = apply::delete(self.context, name, orphan).await;
            if self.check(why::APPLY_FAILED, &orphan.key.to_string(), result) {
                let key = &orphan.key;
                // Should it be asked for again, that is no repair.
                if let Some(applied) = self.context.memory().applied.get_mut(name) {
                    applied.remove(key);
                }
                let note = self.context.settings.lang.pick(
                    || format!("{key} retiré : plus demandé"),
                    || format!("{key} removed: no longer asked for"),
                );
                let about = about_namespace(name, self.plan.uid.as_deref());
                self.context.events.normal_on(&about, object(name, key), why::REMOVED, "Remove", note).await;
            }
        }
    }

    /// Rights first, then our labels, then what is left of ours, the default-deny last.
    async fn release(&mut self) {
        let (rights, others): (Vec<_>, Vec<_>) =
            self.plan.steps.orphans.iter().cloned().partition(|o| o.key.kind == ManagedKind::RoleBinding);
        if !self.context.may_delete() {
            self.waits = true;
            return;
        }
        self.remove(&rights).await;
        let (name, uid) = (self.plan.namespace.as_str(), self.plan.uid.as_deref().unwrap_or_default());
        let result = namespaces::drop_own_labels(self.context, name, uid).await;
        if !self.check(why::APPLY_FAILED, "Namespace (labels)", result) {
            return;
        }
        self.remove(&others).await;
        let note = self.context.settings.lang.pick(
            || "namespace libéré : il n'est plus gouverné",
            || "namespace released: it is governed no more",
        );
        self.context
            .events
            .warning(&about_namespace(name, Some(uid)), why::RELEASED, "Release", note.to_owned())
            .await;
    }

    /// Whether it went well. What fails because the namespace is gone or going is no failure.
    fn check<T>(&mut self, why: &'static str, what: &str, result: kube::Result<T>) -> bool {
        let Err(error) = result else { return true };
        let text = reason(&error);
        let going = code(&error) == 404
            || (code(&error) == 403 && text.contains("being terminated"))
            || (code(&error) == 409 && why != why::LABEL_CONFLICT);
        if going {
            // Gone, going, or another one by now: the watches say which, and we look again.
            self.waits = true;
            return false;
        }
        self.failures.push(Failure { reason: why, what: what.to_owned(), error: text });
        false
    }
}

#[cfg(test)]
mod tests;
