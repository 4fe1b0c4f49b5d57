//! Classes and nodes that the platform keeps for another tenant.

use crate::scene::{ENFORCED, NOTED, OTHER, deployment, deployments, good, with_webhook};
use anyhow::Result;
use serde_json::{Value, json};
use snc_core::names::LABEL_TENANT;
use snc_e2e::api::Answered;
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::{Kind, at};
use snc_e2e::wait::eventually;

const ID: &str = "reserved-to-another-tenant";
const PRIORITIES: &str = "/apis/scheduling.k8s.io/v1/priorityclasses";
const RUNTIMES: &str = "/apis/node.k8s.io/v1/runtimeclasses";
const STORAGE: &str = "/apis/storage.k8s.io/v1/storageclasses";
const NODES: &str = "/api/v1/nodes";

/// What the platform has: of each kind one for the tenant `banque`, and one that is everybody's.
fn made() -> [(&'static str, Value); 4] {
    [
        (PRIORITIES, json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 1000})),
        (RUNTIMES, json!({"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "handler": "sealed"})),
        (
            STORAGE,
            json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "x.example"}),
        ),
        (NODES, json!({"apiVersion": "v1", "kind": "Node"})),
    ]
}

pub fn to_another(cluster: &Cluster) -> Result<()> {
    let admin = &cluster.admin;
    for (path, mut object) in made() {
        object["metadata"] = json!({"name": "commun"});
        admin.create(path, object.clone())?;
        object["metadata"] = json!({"name": "coffre", "labels": {LABEL_TENANT: "banque"}});
        admin.create(path, object)?;
    }
    let result = with_webhook(cluster, "webhook-reserved", |_, _| {
        let pods = |namespace: &str| format!("{}?dryRun=All", Kind::Pod.all(namespace));
        for (field, what) in [
            ("priorityClassName", json!("coffre")),
            ("runtimeClassName", json!("coffre")),
            ("nodeSelector", json!({LABEL_TENANT: "banque"})),
            ("nodeSelector", json!({"kubernetes.io/hostname": "coffre"})),
            ("tolerations", json!([{"key": LABEL_TENANT, "value": "banque", "effect": "NoSchedule"}])),
            ("tolerations", json!([{"key": LABEL_TENANT, "operator": "Exists"}])),
        ] {
            let mut pod = good("intrus");
            pod["spec"][field] = what;
            admin.create(pods(ENFORCED), pod.clone()).refused_with(&[ID, field])?;
            let path = format!("{}?dryRun=All", deployments(ENFORCED));
            admin.create(path, deployment(pod.clone())).refused_with(&[ID, field])?;
            // For whom it is kept it is there, and where nothing is enforced it is noted.
            for namespace in [OTHER, NOTED] {
                if field != "tolerations" || namespace == NOTED || pod["spec"][field][0]["value"] == "banque"
                {
                    admin.create(pods(namespace), pod.clone())?;
                }
            }
        }
        for (field, what) in [("priorityClassName", json!("commun")), ("nodeSelector", json!({"zone": "a"}))]
        {
            let mut pod = good("honnete");
            pod["spec"][field] = what;
            admin.create(pods(ENFORCED), pod)?;
        }
        let claims =
            |namespace: &str| format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims?dryRun=All");
        let claim = |class: &str| {
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"},
                "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": class,
                    "resources": {"requests": {"storage": "1Gi"}}}})
        };
        admin
            .create(claims(ENFORCED), claim("coffre"))
            .refused_with(&[ID, "StorageClass coffre (banque)"])?;
        admin.create(claims(ENFORCED), claim("commun"))?;
        admin.create(claims(OTHER), claim("coffre"))?;
        // What is given back is everybody's.
        admin.merge(at(PRIORITIES, "coffre"), json!({"metadata": {"labels": {LABEL_TENANT: null}}}))?;
        let mut pod = good("honnete");
        pod["spec"]["priorityClassName"] = json!("coffre");
        eventually("the class to be everybody's", || Ok(admin.create(pods(ENFORCED), pod.clone())?))?;
        Ok(())
    });
    for (path, _) in made() {
        for name in ["commun", "coffre"] {
            admin.delete(at(path, name))?;
        }
    }
    result
}
