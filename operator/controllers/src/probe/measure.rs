//! Two pods, one after the other, what they say as they end, and the ConfigMap where it is kept.

use crate::error::{Error, code, reason};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use snc_core::names::{
    LABEL_COMPONENT, LABEL_MANAGED_BY, PROBE, PROBE_COMPONENT, PROBE_KEY, PROBE_NAMESPACES, PROBED_BY,
};
use snc_plan::probe::{Asked, CLIENT, Image, Measured, Received, SERVER, client, server};
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::{sleep, timeout};

const LOOK: Duration = Duration::from_secs(1);
/// The client tells the server when it is done.
const SERVER_ENDS: Duration = Duration::from_secs(15);

pub struct Probe {
    /// Namespace that the operator runs in.
    pub namespace: String,
    pub image: Image,
    /// For everything together.
    pub patience: Duration,
}

/// Gives what was measured once it is written; what went wrong on the way is part of it.
pub async fn measure(kube: kube::Config, probe: Probe) -> Result<Measured, Error> {
    let api = Client::try_from(kube).map_err(Error::api("client"))?;
    let [server_namespace, client_namespace] = PROBE_NAMESPACES;
    let pods = Pods {
        server: Api::namespaced(api.clone(), server_namespace),
        client: Api::namespaced(api.clone(), client_namespace),
        image: probe.image,
    };
    let mut measured = Measured {
        at: Timestamp::now(),
        client_node: None,
        server_node: None,
        asked: Vec::new(),
        received: Vec::new(),
        failure: None,
    };
    let failure = match timeout(probe.patience, pods.run(&mut measured)).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error),
        Err(_) => Some(format!("not done within {} s", probe.patience.as_secs())),
    };
    pods.remove().await;
    measured.failure = failure;
    measured.at = Timestamp::now();
    write(&Api::namespaced(api, &probe.namespace), &measured).await?;
    Ok(measured)
}

struct Pods {
    server: Api<Pod>,
    client: Api<Pod>,
    image: Image,
}

impl Pods {
    async fn run(&self, measured: &mut Measured) -> Result<(), String> {
        // Of a run that was cut short.
        self.remove().await;
        create(&self.server, SERVER, server(&self.image)).await?;
        let running =
            until(&self.server, SERVER, |pod| (phase(pod) == "Running").then(|| pod.clone())).await?;
        measured.server_node = node(&running);
        let addresses = addresses(&running);
        if addresses.is_empty() {
            return Err(format!("{SERVER} has no address"));
        }
        create(&self.client, CLIENT, client(&self.image, &addresses)).await?;
        let (ended, said) = said::<Vec<Asked>>(&self.client, CLIENT).await?;
        measured.client_node = node(&ended);
        measured.asked = said;
        let counted = timeout(SERVER_ENDS, said_received(&self.server)).await;
        measured.received = counted.map_err(|_| format!("{SERVER} did not end"))??;
        Ok(())
    }

    async fn remove(&self) {
        let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        for (api, name) in [(&self.client, CLIENT), (&self.server, SERVER)] {
            match api.delete(name, &now).await {
                Err(error) if code(&error) != 404 => {
                    tracing::warn!(pod = name, error = reason(&error), "not removed");
                }
                _ => {}
            }
        }
    }
}

async fn said_received(api: &Api<Pod>) -> Result<Vec<Received>, String> {
    said(api, SERVER).await.map(|(_, received)| received)
}

/// Until the one before it is gone.
async fn create(api: &Api<Pod>, name: &str, pod: Value) -> Result<(), String> {
    let pod: Pod = serde_json::from_value(pod).map_err(|error| error.to_string())?;
    loop {
        match api.create(&PostParams::default(), &pod).await {
            Ok(_) => return Ok(()),
            Err(error) if code(&error) == 409 => sleep(LOOK).await,
            Err(error) => return Err(format!("{name} not created: {}", reason(&error))),
        }
    }
}

/// What a pod wrote as it ended.
async fn said<T: DeserializeOwned>(api: &Api<Pod>, name: &str) -> Result<(Pod, T), String> {
    let ended =
        until(api, name, |pod| matches!(phase(pod), "Succeeded" | "Failed").then(|| pod.clone())).await?;
    let message = ended
        .status
        .as_ref()
        .and_then(|status| status.container_statuses.as_ref()?.first()?.state.as_ref()?.terminated.as_ref())
        .and_then(|terminated| terminated.message.as_deref())
        .unwrap_or_default();
    match serde_json::from_str(message) {
        Ok(said) => Ok((ended, said)),
        // Not the message itself: whatever runs there wrote it.
        Err(error) => Err(format!("{name} said nothing that can be read: {error}")),
    }
}

async fn until<T>(api: &Api<Pod>, name: &str, is: impl Fn(&Pod) -> Option<T>) -> Result<T, String> {
    loop {
        let pod = api.get(name).await.map_err(|error| format!("{name}: {}", reason(&error)))?;
        if let Some(found) = is(&pod) {
            return Ok(found);
        }
        if phase(&pod) == "Failed" {
            return Err(format!("{name} failed"));
        }
        sleep(LOOK).await;
    }
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

fn node(pod: &Pod) -> Option<String> {
    pod.spec.as_ref().and_then(|spec| spec.node_name.clone())
}

fn addresses(pod: &Pod) -> Vec<IpAddr> {
    let all = pod.status.iter().flat_map(|status| status.pod_ips.iter().flatten());
    all.filter_map(|address| address.ip.parse().ok()).collect()
}

async fn write(api: &Api<ConfigMap>, measured: &Measured) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(measured).map_err(|error| Error::Config(error.to_string()))?;
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": PROBE,
            "labels": {LABEL_MANAGED_BY: PROBED_BY, LABEL_COMPONENT: PROBE_COMPONENT},
        },
        "data": {PROBE_KEY: text},
    });
    let params = PatchParams::apply(PROBED_BY).force();
    api.patch(PROBE, &params, &Patch::Apply(&map))
        .await
        .map(drop)
        .map_err(Error::api(format!("ConfigMap {PROBE}")))
}
