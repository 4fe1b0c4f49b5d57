//! What a tenant is told of its own log.

use crate::scene::Scene;
use anyhow::{Result, ensure};
use serde_json::json;
use snc_e2e::objects::{Kind, policy};
use snc_e2e::wait::within;
use std::time::Duration;

const AUDIT_LOG: &str = "/apis/secnumcloud.dev/v1alpha1/sncauditlogs/cluster";

/// A marked call that comes back makes it true; a webhook that is away makes it false, until the file has filled it.
pub fn by_condition(scene: &Scene) -> Result<()> {
    let cluster = &scene.cluster;
    cluster.admin.create(Kind::SncPolicy.all("alice-a"), policy("journal", json!({})))?;
    let path = Kind::SncPolicy.one("alice-a", "journal");
    let sink = scene.sink("logged").tailing();
    sink.start()?;
    within(Duration::from_secs(150), "the log to be proven", || {
        let object = cluster.admin.get(AUDIT_LOG)?;
        ensure!(object["status"]["probe"]["arrived"] == true, "{}\n{}", object["status"], sink.log()?);
        Ok(())
    })?;
    let logged = cluster.condition(&path, "AuditLogged", "True", "AuditComplete")?;
    println!("{}", logged["message"]);
    sink.stop()
}
