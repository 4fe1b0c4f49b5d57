use crate::error::reason;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

/// Events never fail a reconcile: what must be known is in the status.
pub struct Events {
    recorder: Recorder,
}

impl Events {
    pub fn new(client: Client, instance: &str) -> Self {
        let reporter = Reporter { controller: "snc-operator".into(), instance: Some(instance.to_owned()) };
        Self { recorder: Recorder::new(client, reporter) }
    }

    pub async fn normal(
        &self,
        about: &ObjectReference,
        reason: &'static str,
        action: &'static str,
        note: String,
    ) {
        self.publish(EventType::Normal, about, None, reason, action, note).await;
    }

    /// Events of one reason about one namespace are folded by the recorder unless they name different objects.
    pub async fn warning_on(
        &self,
        about: &ObjectReference,
        on: ObjectReference,
        reason: &'static str,
        action: &'static str,
        note: String,
    ) {
        self.publish(EventType::Warning, about, Some(on), reason, action, note).await;
    }

    pub async fn normal_on(
        &self,
        about: &ObjectReference,
        on: ObjectReference,
        reason: &'static str,
        action: &'static str,
        note: String,
    ) {
        self.publish(EventType::Normal, about, Some(on), reason, action, note).await;
    }

    pub async fn warning(
        &self,
        about: &ObjectReference,
        reason: &'static str,
        action: &'static str,
        note: String,
    ) {
        self.publish(EventType::Warning, about, None, reason, action, note).await;
    }

    async fn publish(
        &self,
        type_: EventType,
        about: &ObjectReference,
        secondary: Option<ObjectReference>,
        why: &'static str,
        action: &'static str,
        note: String,
    ) {
        let note = Some(snc_core::text::clip(&note, 900));
        let event = Event { type_, reason: why.into(), note, action: action.into(), secondary };
        if let Err(error) = self.recorder.publish(&event, about).await {
            tracing::warn!(reason = why, error = reason(&error), "event not recorded");
        }
    }
}

pub fn about_namespace(name: &str, uid: Option<&str>) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".into()),
        kind: Some("Namespace".into()),
        name: Some(name.to_owned()),
        uid: uid.map(ToOwned::to_owned),
        // The event is written beside what it is about, where the tenant can read it.
        namespace: Some(name.to_owned()),
        ..ObjectReference::default()
    }
}

/// A managed object, as the second party of an event about its namespace.
pub fn object(namespace: &str, key: &snc_index::ObjectKey) -> ObjectReference {
    ObjectReference {
        kind: Some(key.kind.as_str().into()),
        name: Some(key.name.clone()),
        namespace: Some(namespace.to_owned()),
        ..ObjectReference::default()
    }
}
