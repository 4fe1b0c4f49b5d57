//! A tenant reads what concerns it, and not a line of anybody else.

use crate::scene::Scene;
use crate::traffic::Traffic;
use anyhow::{Result, ensure};
use serde_json::json;
use snc_e2e::objects::Kind;
use snc_e2e::wait::within;
use std::thread::sleep;
use std::time::Duration;

pub fn apart(scene: &Scene) -> Result<()> {
    let sink = scene.sink("tenants").tailing();
    sink.start()?;
    let traffic = Traffic::begin(&scene.cluster.admin, &["alice-a", "alice-b", "bruno-a", "bruno-b"], 2);
    sleep(Duration::from_secs(3));
    traffic.end()?;
    let (alice, half, bruno) = (
        reader(scene, "all", &["alice-a", "alice-b"])?,
        reader(scene, "half", &["alice-a"])?,
        reader(scene, "b", &["bruno-a", "bruno-b"])?,
    );
    let foreign = scene.token_for("default", "default", None)?;
    within(Duration::from_secs(60), "alice's own events", || {
        let (status, body) = scene.ask(&sink, &alice, "/v1/events?tenant=alice&namespace=alice-b")?;
        ensure!(status == 200 && body.contains("essai-"), "{status} {body}");
        Ok(())
    })?;
    // Path, and what each is answered: alice in both namespaces, alice in one of two, bruno, a token for somebody else.
    let table: &[(&str, [u16; 4])] = &[
        ("/v1/events?tenant=alice", [200, 403, 403, 401]),
        ("/v1/events?tenant=alice&namespace=alice-a", [200, 200, 403, 401]),
        ("/v1/events?tenant=alice&namespace=alice-b", [200, 403, 403, 401]),
        // What happened in it while it was alice's, if it ever was.
        ("/v1/events?tenant=alice&namespace=bruno-a", [200, 403, 403, 401]),
        ("/v1/events?tenant=bruno", [403, 403, 200, 401]),
        ("/v1/events?tenant=bruno&namespace=bruno-a", [403, 403, 200, 401]),
        ("/v1/events?tenant=nobody", [403, 403, 403, 401]),
        ("/v1/events?platform=true", [403, 403, 403, 401]),
        ("/v1/export?tenant=alice", [200, 403, 403, 401]),
        ("/v1/export?tenant=bruno", [403, 403, 200, 401]),
        ("/v1/export?platform=true", [403, 403, 403, 401]),
        ("/v1/alarms", [403, 403, 403, 401]),
        ("/v1/gaps", [403, 403, 403, 401]),
        ("/v1/status", [403, 403, 403, 401]),
        ("/v1/events?tenant=alice&tenant=bruno", [400, 400, 400, 401]),
        ("/v1/events?tenant=tenant.bruno", [403, 403, 403, 401]),
        ("/v1/events?tenant=..%2Fplatform", [400, 400, 400, 401]),
    ];
    for (path, expected) in table {
        for (token, expected) in [&alice, &half, &bruno, &foreign].into_iter().zip(expected) {
            let (status, body) = scene.ask(&sink, token, path)?;
            ensure!(status == *expected, "{path}: {status} instead of {expected}: {body}");
            let others = if token == &bruno { "alice-" } else { "bruno-" };
            ensure!(status != 200 || !body.contains(others), "{path} has a line of another tenant");
        }
    }
    sink.stop()
}

/// A ServiceAccount of the tenant's that may read in these namespaces, and its token for the log.
fn reader(scene: &Scene, name: &str, namespaces: &[&str]) -> Result<String> {
    let name = format!("reader-{name}");
    let admin = &scene.cluster.admin;
    admin.create(
        Kind::ServiceAccount.all(namespaces[0]),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}, "automountServiceAccountToken": false}),
    )?;
    for namespace in namespaces {
        admin.create(
            Kind::RoleBinding.all(namespace),
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "snc-tenant-viewer"},
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespaces[0]}]}),
        )?;
    }
    scene.token(namespaces[0], &name)
}
